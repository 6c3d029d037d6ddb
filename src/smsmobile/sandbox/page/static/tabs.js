// The tabs of the developer's side: arrow keys, Home and End move between them, one of them is in the tab order.

import { $ } from "./dom.js";
import { tell } from "./state.js";

const tabs = () => [...$("tabs").querySelectorAll("[role=tab]")];

/** The name of the tab that is open. */
export const openTab = () => tabs().find((tab) => tab.getAttribute("aria-selected") === "true").dataset.tab;

export function select(name) {
  for (const tab of tabs()) {
    const isOpen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(isOpen));
    tab.tabIndex = isOpen ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !isOpen;
    if (isOpen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  tell("tab", name);
}

export function startTabs() {
  for (const tab of tabs()) tab.addEventListener("click", () => select(tab.dataset.tab));
  $("tabs").addEventListener("keydown", (event) => {
    const all = tabs();
    const here = all.indexOf(document.activeElement);
    const there = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (there === undefined || here === -1) return;
    event.preventDefault();
    const next = all[(there + all.length) % all.length];
    select(next.dataset.tab);
    next.focus();
  });
}
