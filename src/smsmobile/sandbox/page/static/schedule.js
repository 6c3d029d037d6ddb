// What is to be sent later, soonest first, with how long it still takes.

import { attempt, get, post } from "./api.js";
import { $, badge, h, reconcile } from "./dom.js";
import { t } from "./language.js";
import { choosePeer, choosePhone, on, state, tell } from "./state.js";
import { openTab } from "./tabs.js";
import { learnNow, now, span, stamp } from "./time.js";
import { watch } from "./watch.js";

let view;

export function startSchedule() {
  view = watch(["messages", "phones", "accounts"], refresh, () => openTab() === "schedule");
  on("tab", view.touch);
  on("clock", view.touch);
  setInterval(countDown, 1000);
}

async function refresh() {
  const { messages } = await get("scheduled");
  reconcile($("schedule-list"), messages, (each) => each.guid, draw);
  $("schedule-empty").hidden = messages.length > 0;
  countDown();
}

function countDown() {
  if (openTab() !== "schedule") return;
  for (const element of $("schedule-list").querySelectorAll("[data-due]")) {
    const left = Date.parse(element.dataset.due) - now();
    element.textContent = left > 0 ? t("schedule.in", { time: span(left) }) : t("schedule.now");
    if (left <= 0) view.touch();
  }
}

function draw(message) {
  const problem = h("p", { class: "problem", role: "alert" });
  const label = state.phones.find((each) => each.sid === message.phone)?.label ?? message.phone;
  const open = () => {
    choosePhone(message.phone);
    choosePeer(message.peer, message.number, { focus: true });
  };
  const jump = () =>
    attempt(problem, async () => {
      learnNow((await post("clock", { move_to: message.due_at })).now);
      tell("clock");
    });
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      { class: "card-title" },
      stamp(message.due_at, "due"),
      " ",
      h("span", { class: "quiet", "data-due": message.due_at }),
    ),
    h("p", { class: "card-text", dir: "auto", translate: "no" }, message.text),
    h(
      "p",
      { class: "card-facts" },
      t("schedule.whom", { name: message.number, phone: label }),
      message.channel === "whatsapp" && badge("WhatsApp", "whatsapp"),
    ),
    h(
      "p",
      { class: "row" },
      h("button", { type: "button", class: "button small", "data-focus": "open", onclick: open }, t("schedule.open")),
      h("button", { type: "button", class: "button small", "data-focus": "jump", onclick: jump }, t("schedule.jump")),
    ),
    problem,
  );
}
