// The log of webhook deliveries: every attempt, the body, and sending one again.

import { attempt, post } from "./api.js";
import { announce } from "./announce.js";
import { badge, h } from "./dom.js";
import { messageLinks } from "./links.js";
import { logOf, pretty } from "./pager.js";
import { statusBadge } from "./requests.js";
import { on } from "./state.js";
import { openTab } from "./tabs.js";
import { stamp, took } from "./time.js";
import { watch } from "./watch.js";

const STATES = {
  waiting: ["waiting", "fair", "hourglass"],
  delivered: ["delivered", "good", "check"],
  given_up: ["given up", "bad", "alert"],
};

let view;

export function startDeliveries() {
  view = watch(["deliveries"], logOf("deliveries", "deliveries", draw), () => openTab() === "webhooks", 400);
  on("tab", view.touch);
}

/** What became of it, as a badge. */
export const deliveryBadge = ({ state }) => badge(...STATES[state]);

function draw(delivery) {
  const outcomes = delivery.tries.map((each) => each.status ?? "no answer");
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      deliveryBadge(delivery),
      h("span", { class: "log-what" }, h("code", {}, delivery.event_type)),
      h("span", { class: "log-when" }, stamp(delivery.created_at, "both")),
      h(
        "span",
        { class: "log-more" },
        h("span", { class: "log-where" }, delivery.url),
        h("span", { class: "log-tags quiet", title: "The outcome of each attempt" }, outcomes.slice(-5).join(" · ")),
      ),
    ),
  );
  const fill = () => details.children.length === 1 && details.append(body(delivery));
  details.addEventListener("toggle", fill, { once: true });
  return h("li", {}, details);
}

function body(delivery) {
  const problem = h("p", { class: "problem", role: "alert" });
  const done = h("p", { class: "quiet" });
  const again = async () => {
    let made;
    done.textContent = "";
    if (!(await attempt(problem, async () => (made = await post(`deliveries/${delivery.id}/again`))))) return;
    done.replaceChildren("Sent again at ", stamp(made.created_at, "seconds"), ": a new row at the top of the list.");
    announce("It is being sent again.");
    view.touch();
  };
  return h(
    "div",
    { class: "log-body" },
    messageLinks(delivery.message ? [delivery.message] : []),
    h("h4", {}, "Attempts"),
    delivery.tries.length ? attempts(delivery.tries) : h("p", { class: "quiet" }, "None yet."),
    delivery.state === "waiting" &&
      delivery.due_at &&
      h("p", { class: "quiet" }, "The next one at ", stamp(delivery.due_at, "both"), "."),
    h("h4", {}, "Body"),
    h("pre", { tabindex: "0", "aria-label": "Body" }, pretty(delivery.body)),
    h("p", { class: "quiet" }, "Event ", h("code", {}, delivery.event_id)),
    h(
      "p",
      { class: "row" },
      h("button", { type: "button", class: "button", "data-focus": "again", onclick: again }, "Send again"),
    ),
    done,
    problem,
  );
}

function attempts(tries) {
  const head = h("tr", {}, ...["When", "Outcome", "Took"].map((name) => h("th", { scope: "col" }, name)));
  const rows = tries.map((each) =>
    h(
      "tr",
      {},
      h("td", {}, stamp(each.at, "both")),
      h("td", {}, each.status === null ? badge(each.error ?? "no answer", "bad", "alert") : statusBadge(each.status)),
      h("td", {}, took(each.milliseconds)),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
