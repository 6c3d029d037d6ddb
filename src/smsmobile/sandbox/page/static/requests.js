// The log of what the application asked of the service, and what it was told.

import { remove } from "./api.js";
import { confirmDialog } from "./dialogs.js";
import { $, badge, h } from "./dom.js";
import { t } from "./language.js";
import { messageLinks } from "./links.js";
import { logOf, pretty } from "./pager.js";
import { stamp, took } from "./time.js";
import { watch } from "./watch.js";
import { openTab } from "./tabs.js";
import { on } from "./state.js";

const START = 200; // characters of a text
const OUTCOMES = {
  accepted: ["good", null],
  redirected: ["fair", null],
  refused: ["bad", "ban", t("requests.refused")],
  broken: ["bad", "alert", t("requests.broken")],
};
const AUTHS = { key: t("requests.auth_key"), token: t("requests.auth_token"), "": t("requests.auth_none") };

export function startRequests() {
  on("row", ({ log: name }) => name === "requests" && clearFilters());
  const log = logOf("requests", "requests", draw, wanted);
  const refresh = async () => showPaths((await log()).paths);
  const view = watch(["requests"], refresh, () => openTab() === "requests", 400);
  on("tab", view.touch);
  $("requests-clear").addEventListener("click", () => clear(view));
  for (const id of ["requests-search", "requests-path", "requests-failed"]) $(id).addEventListener("input", view.touch);
}

const wanted = () => ({
  search: $("requests-search").value.trim(),
  path: $("requests-path").value,
  failed: $("requests-failed").checked ? 1 : "",
});

function clear(view) {
  const text = t("requests.clear_about");
  confirmDialog({ title: t("requests.clear_title"), text, action: t("requests.clear_action") }, async () => {
    await remove("requests");
    view.touch();
  });
}

/** A row that somebody is led to is there whatever was looked for before. */
function clearFilters() {
  $("requests-search").value = $("requests-path").value = "";
  $("requests-failed").checked = false;
}

/** The paths that were asked for, to choose one. */
function showPaths(paths) {
  const select = $("requests-path");
  const chosen = select.value;
  const known = chosen && !paths.includes(chosen) ? [...paths, chosen] : paths;
  if (select.dataset.paths === JSON.stringify(known)) return;
  select.dataset.paths = JSON.stringify(known);
  select.replaceChildren(
    h("option", { value: "" }, t("requests.all_paths")),
    ...known.map((path) => h("option", { value: path }, path)),
  );
  select.value = chosen;
}

/** What the service meant, as a badge: many refusals have the status 200. */
export function outcomeBadge({ status, outcome }) {
  const [kind, drawing, word] = OUTCOMES[outcome];
  const words = [status, word].filter(Boolean).join(" ");
  return badge(words, `status ${kind}`, drawing);
}

function aboutOf({ parameters, error, outcome }) {
  const whom = parameters.recipients ?? parameters.recipient_email ?? parameters.guid ?? parameters.guid_message;
  const text = parameters.message ?? parameters.mail_subject;
  return aboutLine(whom, text, error, outcome !== "accepted");
}

/** The second line of a row: with whom it deals, the start of the text, and the word for what was wrong. */
export function aboutLine(whom, text, error, isBad = true) {
  if (!whom && !text && !error) return null;
  return h(
    "span",
    { class: "log-about", translate: "no" },
    error && h("span", { class: isBad ? "said reason" : "said" }, error),
    whom && h("span", { class: "whom", dir: "auto" }, whom),
    text && h("span", { dir: "auto" }, text.slice(0, START)),
  );
}

/** A status as a badge: its class tells the colour, the text everything. */
export function statusBadge(status) {
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
      outcomeBadge(request),
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
      aboutOf(request),
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
    messageLinks(request.messages),
    h("h4", {}, t("requests.parameters")),
    parameters.length
      ? h(
          "dl",
          { class: "pairs", translate: "no" },
          ...parameters.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        )
      : h("p", { class: "quiet" }, t("requests.no_parameters")),
    h("h4", {}, t("requests.answer")),
    request.answer
      ? h("pre", { tabindex: "0", "aria-label": t("requests.answer") }, pretty(request.answer))
      : h("p", { class: "quiet" }, t("requests.no_answer")),
    h("p", { class: "quiet" }, t("requests.auth", { auth: AUTHS[request.auth] ?? request.auth })),
  );
}
