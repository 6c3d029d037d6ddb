// What is shown is in the address, behind the #: phone, conversation, message, view and tab. So a reload, Back and a
// link come to the same place.

import { Refusal, Unreachable } from "./api.js";
import { $ } from "./dom.js";
import { showMessage } from "./links.js";
import { chooseMessage, choosePeer, choosePhone, on, state } from "./state.js";
import { openTab, select } from "./tabs.js";

const VIEWS = ["list", "thread", "tools"];

let showView;
let isStep = false; // whether the reader did something since the last time, which Back is to undo
let isReturn = false; // whether that was to close something
let waiting = false;
let restoring = 0; // how many addresses are being gone to

/** Go where the address says, and keep it up to date. `show` is what shows a view. */
export function startAddress(show) {
  showView = show;
  on("phone", () => note({ step: wanted().has("phone") }));
  on("peer", ({ focus = false }) => note({ step: focus }));
  on("message", () => note({ step: state.message !== null, back: state.message === null }));
  on("view", (name) => note({ step: true, back: name === "list" }));
  on("tab", () => note({ step: true }));
  addEventListener("popstate", restore);
  restore();
}

const wanted = () => new URLSearchParams(location.hash.slice(1));

/** Something may be shown that the address does not tell yet. What is done in one go is one step. */
function note({ step = false, back = false } = {}) {
  if (restoring) return;
  isStep ||= step;
  isReturn ||= back;
  if (waiting) return;
  waiting = true;
  queueMicrotask(write);
}

function write() {
  const [step, back] = [isStep, isReturn];
  waiting = isStep = isReturn = false;
  const address = addressOf();
  if (restoring || address === location.hash) return;
  if (back && history.state?.before === address) history.back();
  else if (!step) history.replaceState(history.state, "", address);
  else history.pushState({ before: location.hash }, "", address);
}

function addressOf() {
  const { phone, peer, message } = state;
  const shown = { phone, peer, view: document.body.dataset.view, tab: openTab(), message };
  return `#${new URLSearchParams(Object.entries(shown).filter(([, value]) => value !== null))}`;
}

async function restore() {
  const there = wanted();
  const [phone, peer, message] = ["phone", "peer", "message"].map((name) => there.get(name));
  restoring += 1;
  try {
    if (phone && (!state.phones.length || state.phones.some((each) => each.sid === phone))) choosePhone(phone);
    if (peer !== state.peer && !message) choosePeer(peer, peer ?? "", { focus: false });
    if (VIEWS.includes(there.get("view"))) showView(there.get("view"));
    if ($(`tab-${there.get("tab")}`)) select(there.get("tab"));
    if (message !== state.message) await restoreMessage(message);
  } finally {
    restoring -= 1;
    note();
  }
}

async function restoreMessage(guid) {
  if (guid === null) return chooseMessage(null);
  const isStillWanted = () => wanted().get("message") === guid;
  try {
    await showMessage(guid, isStillWanted);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    if (isStillWanted()) chooseMessage(guid); // the dialog says what is wrong
  }
}
