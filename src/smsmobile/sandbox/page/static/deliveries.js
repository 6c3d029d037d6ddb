// The log of webhook deliveries: every attempt, the body, and sending one again.

import { attempt, post } from "./api.js";
import { announce } from "./announce.js";
import { badge, h } from "./dom.js";
import { nodes, t } from "./language.js";
import { messageLinks } from "./links.js";
import { logOf, pretty } from "./pager.js";
import { aboutLine, statusBadge } from "./requests.js";
import { on } from "./state.js";
import { openTab } from "./tabs.js";
import { stamp, took } from "./time.js";
import { watch } from "./watch.js";

const STATES = {
  waiting: [t("deliveries.waiting"), "fair", "hourglass"],
  delivered: [t("deliveries.delivered"), "good", "check"],
  given_up: [t("deliveries.given_up"), "bad", "alert"],
};

let view;

export function startDeliveries() {
  view = watch(["deliveries"], logOf("deliveries", "deliveries", draw), () => openTab() === "webhooks", 400);
  on("tab", view.touch);
}

/** What became of it, as a badge. */
export const deliveryBadge = ({ state }) => badge(...STATES[state]);

function draw(delivery) {
  const outcomes = delivery.tries.map((each) => each.status ?? t("deliveries.no_reply"));
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      deliveryBadge(delivery),
      h("span", { class: "log-what" }, h("code", {}, delivery.event_type)),
      h("span", { class: "log-when" }, stamp(delivery.created_at, "both")),
      aboutOf(delivery),
      h(
        "span",
        { class: "log-more" },
        h("span", { class: "log-where", translate: "no" }, delivery.url),
        h("span", { class: "log-tags quiet", title: t("deliveries.outcomes") }, outcomes.slice(-5).join(" · ")),
      ),
    ),
  );
  const fill = () => details.children.length === 1 && details.append(body(delivery));
  details.addEventListener("toggle", fill, { once: true });
  return h("li", {}, details);
}

/** Whose number (or address) it tells of, the start of the text, and why a message failed. Version 1 has no `data`. */
function aboutOf({ event_type, body }) {
  const event = JSON.parse(body);
  const data = event.data ?? event;
  const whom = event_type === "email.sent" ? data.to : (data.from ?? data.to ?? data.number);
  return aboutLine(whom, data.message || data.transcript || data.subject, data.error);
}

function body(delivery) {
  const problem = h("p", { class: "problem", role: "alert" });
  const done = h("p", { class: "quiet" });
  const again = async () => {
    let made;
    done.textContent = "";
    if (!(await attempt(problem, async () => (made = await post(`deliveries/${delivery.id}/again`))))) return;
    done.replaceChildren(...nodes("deliveries.sent_again", { when: stamp(made.created_at, "seconds") }));
    announce(t("deliveries.being_sent"));
    view.touch();
  };
  return h(
    "div",
    { class: "log-body" },
    messageLinks(delivery.message ? [delivery.message] : []),
    h("h4", {}, t("deliveries.attempts")),
    ...(delivery.tries.length ? attempts(delivery.tries) : [h("p", { class: "quiet" }, t("deliveries.no_attempts"))]),
    delivery.state === "waiting" &&
      delivery.due_at &&
      h("p", { class: "quiet" }, ...nodes("deliveries.next", { when: stamp(delivery.due_at, "both") })),
    h("h4", {}, t("deliveries.body")),
    h("pre", { tabindex: "0", "aria-label": t("deliveries.body") }, pretty(delivery.body)),
    h("p", { class: "quiet" }, `${t("deliveries.event")} `, h("code", {}, delivery.event_id)),
    h(
      "p",
      { class: "row" },
      h("button", { type: "button", class: "button", "data-focus": "again", onclick: again }, t("deliveries.again")),
    ),
    done,
    problem,
  );
}

/** All attempts, and of the chosen one (the last, unless another is chosen) what was posted and answered. */
function attempts(tries) {
  const exchange = h("div", {});
  const buttons = tries.map((_, index) =>
    h(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-label": t("deliveries.show_attempt", { number: index + 1 }),
        "data-focus": `attempt-${index + 1}`,
        onclick: () => choose(index),
      },
      t("deliveries.show"),
    ),
  );
  const choose = (chosen) => {
    for (const [index, button] of buttons.entries()) button.setAttribute("aria-pressed", String(index === chosen));
    exchange.replaceChildren(...exchangeOf(tries[chosen], tries.length > 1 ? chosen + 1 : null));
  };
  choose(tries.length - 1);
  const head = h(
    "tr",
    {},
    ...[t("deliveries.when"), t("deliveries.outcome"), t("deliveries.took")].map((name) =>
      h("th", { scope: "col" }, name),
    ),
  );
  if (tries.length > 1)
    head.append(h("th", { scope: "col" }, h("span", { class: "unseen" }, t("deliveries.exchange"))));
  const rows = tries.map((each, index) =>
    h(
      "tr",
      {},
      h("td", {}, stamp(each.at, "both")),
      h(
        "td",
        {},
        each.status === null ? badge(each.error ?? t("deliveries.no_reply"), "bad", "alert") : statusBadge(each.status),
      ),
      h("td", {}, took(each.milliseconds)),
      tries.length > 1 && h("td", { class: "end" }, buttons[index]),
    ),
  );
  return [h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)), exchange];
}

function exchangeOf({ headers, answer, status }, number) {
  const posted = Object.entries(headers);
  return [
    h("h4", {}, number ? t("deliveries.answer_of", { number }) : t("deliveries.answer")),
    answer
      ? h("pre", { tabindex: "0", "aria-label": t("deliveries.answer") }, pretty(answer))
      : h("p", { class: "quiet" }, t(status === null ? "deliveries.no_answer" : "deliveries.no_body")),
    h("h4", {}, number ? t("deliveries.headers_of", { number }) : t("deliveries.headers")),
    posted.length
      ? h(
          "dl",
          { class: "pairs", translate: "no" },
          ...posted.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        )
      : h("p", { class: "quiet" }, t("deliveries.no_headers")),
  ];
}
