// What the reader has not seen yet. The sandbox counts it: the page tells it what was shown, so that all pages agree,
// and a reset forgets it like everything else. Here it is told, and shown in the title and at the bottom.

import { Refusal, Unreachable, post } from "./api.js";
import { $ } from "./dom.js";
import { on, state, tell } from "./state.js";

const TITLE = document.title;
const MOST = 99;

let told = ""; // what the sandbox was told last
let wasReading = false;

export function startUnread() {
  const observer = new MutationObserver(tellShown);
  observer.observe($("entries"), { childList: true });
  observer.observe($("thread-new"), { attributeFilter: ["hidden"] });
  on("view", tellShown);
  document.addEventListener("visibilitychange", tellShown);
  window.addEventListener("resize", tellShown);
  on("phones", show);
}

/** Whether the reader sees the newest message of the open conversation, and each new one as it comes. */
export const isReading = () =>
  state.peer !== null && !document.hidden && $("thread-scroll").checkVisibility() && $("thread-new").hidden;

/** A number for a badge. */
export const shortCount = (count) => (count > MOST ? `${MOST}+` : String(count));

async function tellShown() {
  if (isReading() !== wasReading) {
    wasReading = !wasReading;
    tell("reading");
  }
  const newest = Number($("entries").lastElementChild?.dataset.key ?? 0);
  const shown = JSON.stringify([state.phone, state.peer, newest]);
  if (!newest || !isReading() || shown === told) return;
  told = shown;
  try {
    await post(`phones/${state.phone}/seen`, { peer: state.peer, up_to: newest });
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    told = ""; // it is told again with the next message
  }
}

function show() {
  const total = sumOf(state.phones);
  const elsewhere = sumOf(state.phones.filter((each) => each.sid !== state.phone));
  document.title = total ? `(${shortCount(total)}) ${TITLE}` : TITLE;
  mark("views-unread", total);
  mark("phone-unread", elsewhere);
}

const sumOf = (phones) => phones.reduce((sum, each) => sum + each.unseen, 0);

function mark(id, count) {
  $(id).hidden = !count;
  $(id).firstElementChild.textContent = shortCount(count);
}
