// The log of what the application asked of the service, and what it was told.

import { badge, h } from "./dom.js";
import { logOf, pretty } from "./pager.js";
import { stamp, took } from "./time.js";
import { watch } from "./watch.js";
import { openTab } from "./tabs.js";
import { on } from "./state.js";

const AUTHS = { key: "API key", token: "OAuth2 token", "": "none" };

export function startRequests() {
  const view = watch(["requests"], logOf("requests", "requests", draw), () => openTab() === "requests", 400);
  on("tab", view.touch);
}

/** A status as a badge: its class tells the colour, the text everything. */
export function statusBadge(status) {
  if (status === null) return badge("broken", "bad", "alert");
  const kind = status < 300 ? "good" : status < 400 ? "fair" : "bad";
  return badge(String(status), `status ${kind}`);
}

function draw(request) {
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      statusBadge(request.status),
      h(
        "span",
        { class: "log-what" },
        h("span", { class: "method" }, request.method),
        " ",
        h("code", {}, request.path),
      ),
      h("span", { class: "log-tags" }, ...request.faults.map((fault) => badge(fault, "fault", "bolt"))),
      h(
        "span",
        { class: "log-when" },
        h("span", { class: "took" }, took(request.milliseconds)),
        stamp(request.at, "both"),
      ),
    ),
  );
  details.addEventListener("toggle", () => details.children.length === 1 && details.append(body(request)), {
    once: true,
  });
  return h("li", {}, details);
}

function body(request) {
  const parameters = Object.entries(request.parameters);
  return h(
    "div",
    { class: "log-body" },
    h("h4", {}, "Parameters"),
    parameters.length
      ? h("dl", { class: "pairs" }, ...parameters.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))
      : h("p", { class: "quiet" }, "None."),
    h("h4", {}, "Answer"),
    request.answer
      ? h("pre", { tabindex: "0", "aria-label": "Answer" }, pretty(request.answer))
      : h("p", { class: "quiet" }, "None."),
    h("p", { class: "quiet" }, `Authorised by: ${AUTHS[request.auth] ?? request.auth}. Secrets are masked.`),
  );
}
