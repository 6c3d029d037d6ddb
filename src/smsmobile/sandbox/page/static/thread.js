// The open conversation: bubbles, oldest at the top. All that was loaded is kept, but only a window of it is in the
// page, so that a thread of ten thousand messages costs no more than one of a hundred.

import { get, remove } from "./api.js";
import { copyButton } from "./copy.js";
import { confirmDialog } from "./dialogs.js";
import { badge, $, h, icon, reconcile } from "./dom.js";
import { count, t } from "./language.js";
import { oneTabStop } from "./list.js";
import { avatar, callOf, isIncoming, isOverdue, isPlace, isSent, stateOf, titleOf } from "./messages.js";
import { chooseMessage, choosePeer, on, state, tell } from "./state.js";
import { dateOf, span, stamp } from "./time.js";
import { watch } from "./watch.js";

const PAGE = 50;
const LARGEST_PAGE = 200; // what the endpoint gives at once
const MOST = 150; // bubbles in the page
const NEAR = 400; // pixels from an edge at which more is shown
const FAR_BEHIND = 1000; // so many new messages at once are not loaded all, but begun anew

let entries = []; // without gaps, oldest first
let more = false; // whether the sandbox has older ones
let low = 0;
let high = 0; // entries[low] to entries[high - 1] are in the page
let opened = 0; // counts conversations: an answer for an earlier one is dropped
let loading = false;
let pinned = true; // whether the reader is at the newest message
let seen = 0; // the newest entry that the reader was shown
let wanted = null; // the entry that a search has found
let view;

export function startThread() {
  view = watch(
    ["messages", "received", "by_hand", "calls", "notifications", "mails", "phones", "accounts"],
    refresh,
    () => state.peer !== null,
  );
  setInterval(() => entries.slice(low, high).some(isOverdue) && view.touch(), 1000);
  on("peer", open);
  $("thread-scroll").addEventListener("scroll", scrolled, { passive: true });
  $("thread-older").addEventListener("click", () => showOlder());
  $("thread-new").addEventListener("click", () => {
    toNewest();
    $("thread-scroll").focus({ preventScroll: true });
  });
  $("thread-clear").addEventListener("click", clear);
  $("thread-number").append(copyButton(t("thread.the_number"), () => state.name));
  oneTabStop($("entries"), ".details-open", -1);
  new ResizeObserver(() => pinned && toEnd()).observe($("thread-scroll"));
}

export const refreshThread = () => view.touch();

function open({ entry = null }) {
  opened += 1;
  entries = [];
  more = false;
  low = high = seen = 0;
  wanted = entry;
  pinned = wanted === null;
  loading = false;
  $("thread").classList.toggle("has-peer", state.peer !== null);
  showHead();
  show();
  if (state.peer !== null) view.touch();
}

function clear() {
  const { phone, peer, name } = state;
  const text = t("thread.clear_about", { name });
  confirmDialog({ title: t("thread.clear_title"), text, action: t("thread.clear_action") }, async () => {
    await remove("thread", { phone, peer });
    view.touch();
    return () => $("main").focus({ preventScroll: true }); // its button goes with it
  });
}

async function load(before, limit) {
  const which = opened;
  const page = await get("thread", { phone: state.phone, peer: state.peer, before, limit });
  return which === opened ? page : null;
}

async function refresh() {
  const isAtEnd = high === entries.length;
  const pages = await loadNew(isAtEnd ? Math.min(Math.max(high - low, PAGE), LARGEST_PAGE) : PAGE);
  if (!pages) return;
  if (!isAtEnd && entries.length) {
    const end = entries[high - 1].id + 1;
    const shown = await load(end, Math.min(high - low, LARGEST_PAGE));
    if (!shown) return;
    pages.unshift([shown, end]);
  }
  // From here on nothing is waited for, so that scrolling cannot have moved the window meanwhile.
  const first = entries[low]?.id;
  const last = entries[high - 1]?.id;
  const atEnd = high === entries.length;
  for (const [page, before] of pages) merge(page, before);
  if (!entries.length) return choosePeer(null); // it was forgotten
  if (first === undefined) tell("opened", entries.at(-1));
  const isFirst = first === undefined;
  if (isFirst && wanted !== null) placeWanted();
  else place(first, last, atEnd);
  rename(pages.at(-1)[0]);
  show();
  if (isFirst && wanted !== null) toWanted();
}

function showHead() {
  $("thread-title").textContent = state.peer === null ? t("thread.no_conversation") : titleOf(state);
  $("thread").classList.toggle("is-place", isPlace(state.peer));
  $("thread-number").hidden = !state.contact;
  $("thread-number-text").textContent = state.name;
  $("thread-avatar").replaceChildren(avatar(titleOf(state), state.peer ?? ""));
}

/** A later entry may tell that the digits are a whole number, and who that is in the contacts. */
function rename({ name, contact }) {
  if (!name || (name === state.name && contact === state.contact)) return;
  Object.assign(state, { name, contact });
  showHead();
  tell("name");
}

/**
 * The newest page, and those between it and what is known or wanted, each with its end. Null: another thread was
 * opened.
 */
async function loadNew(limit) {
  const known = entries.at(-1)?.id;
  const end = known ?? wanted;
  let page = await load(null, limit);
  const pages = page && [[page, Infinity]];
  while (page?.more && end !== null && page.entries[0].id > end) {
    if (known !== undefined && pages.length * LARGEST_PAGE > FAR_BEHIND) {
      entries = [];
      low = high = 0;
      wanted = null; // what a search had found is far behind
      return pages.slice(-1);
    }
    const before = page.entries[0].id;
    page = await load(before, LARGEST_PAGE);
    pages.unshift([page, before]);
  }
  return page && pages;
}

/** A page tells all there is between its oldest entry and `before`. */
function merge(page, before) {
  const from = page.more ? page.entries[0].id : -Infinity;
  const older = entries.filter((entry) => entry.id < from);
  const newer = entries.filter((entry) => entry.id >= before);
  if (!older.length) more = page.more;
  entries = [...older, ...page.entries, ...newer];
}

/** Put the window around what a search has found. */
function placeWanted() {
  const index = entries.findIndex((entry) => entry.id >= wanted);
  high = index === -1 ? entries.length : Math.min(entries.length, index + PAGE / 2);
  low = Math.max(0, high - PAGE);
  pinned = index === -1 || index === entries.length - 1;
  seen = entries.at(-1).id;
}

/** Put the window where it was, after entries have come or gone. */
function place(first, last, atEnd) {
  const start = first === undefined ? -1 : entries.findIndex((entry) => entry.id >= first);
  low = start === -1 ? Math.max(0, entries.length - PAGE) : start;
  const after = entries.findIndex((entry) => entry.id > last);
  high = atEnd || after === -1 ? entries.length : after;
  if (high - low <= MOST) return;
  if (pinned) low = high - PAGE;
  else high = low + MOST;
}

function show() {
  const before = entries[low - 1];
  const rows = entries.slice(low, high).map((entry, index, shown) => {
    const previous = index ? shown[index - 1] : before;
    const isNewDay = !previous || dateOf(previous.at) !== dateOf(entry.at);
    const continues = !isNewDay && sideOf(previous) === sideOf(entry);
    const isMerged = isOneWith(entry, shown[index + 1] ?? entries[high]);
    return { entry, isNewDay, continues, isMerged, isFound: entry.id === wanted };
  });
  keepingPlace(() => {
    $("thread-older").hidden = low === 0 && !more;
    reconcile($("entries"), rows, (row) => row.entry.id, draw);
  });
  if (pinned && high === entries.length) {
    toEnd();
    seen = entries.at(-1)?.id ?? 0;
  }
  const missed = entries.filter((entry) => entry.id > seen).length;
  $("thread-new").hidden = pinned || missed === 0;
  $("thread-new-text").textContent = count("thread.new", missed);
}

const sideOf = (entry) => (entry.kind === "call" ? "call" : isIncoming(entry) ? "in" : "out");

/** Whether all that stands below a message stands below the next one as well. */
function isOneWith(entry, next) {
  return Boolean(next) && entry.kind !== "call" && below(entry) === below(next);
}

const below = ({ kind, channel, sim, state: became, reason, at, time }) =>
  JSON.stringify([kind, channel, sim, became, reason, dateOf(at), time.slice(0, "2026-03-20T21:07".length)]);

/** Change what is in the page without moving what the reader looks at. */
function keepingPlace(change) {
  const scroll = $("thread-scroll");
  const top = scroll.getBoundingClientRect().top;
  const anchor = [...$("entries").children].find((item) => item.getBoundingClientRect().bottom > top);
  const was = anchor?.getBoundingClientRect().top;
  change();
  if (!pinned && anchor) {
    const still = anchor.isConnected ? anchor : $("entries").querySelector(`[data-key="${anchor.dataset.key}"]`);
    if (still) scroll.scrollTop += still.getBoundingClientRect().top - was;
  }
}

function toEnd() {
  const scroll = $("thread-scroll");
  scroll.scrollTop = scroll.scrollHeight;
}

function toWanted() {
  const found = $("entries").querySelector(".is-found")?.getBoundingClientRect();
  if (!found || pinned) return;
  const scroll = $("thread-scroll");
  const frame = scroll.getBoundingClientRect();
  scroll.scrollTop += found.top - frame.top - (frame.height - found.height) / 2;
}

function toNewest() {
  pinned = true;
  high = entries.length;
  low = Math.max(0, high - PAGE);
  show();
}

function scrolled() {
  const scroll = $("thread-scroll");
  const below = scroll.scrollHeight - scroll.clientHeight - scroll.scrollTop;
  pinned = below < 40 && high === entries.length;
  if (pinned) {
    seen = entries.at(-1)?.id ?? 0;
    $("thread-new").hidden = true;
  }
  if (scroll.scrollTop < NEAR) showOlder();
  if (below < NEAR && high < entries.length) showNewer();
}

async function showOlder() {
  if (loading || (low === 0 && !more) || !entries.length) return;
  loading = true;
  const which = opened;
  try {
    if (low < PAGE && more) {
      const page = await load(entries[0].id, PAGE);
      if (!page) return;
      const known = entries.length;
      entries = [...page.entries, ...entries];
      more = page.more;
      low += entries.length - known;
      high += entries.length - known;
    }
    low = Math.max(0, low - PAGE);
    high = Math.min(high, low + MOST);
    pinned = pinned && high === entries.length;
    show();
  } catch {
    // The banner says that the sandbox does not answer; the next scroll tries again.
  } finally {
    if (which === opened) loading = false;
  }
}

function showNewer() {
  high = Math.min(entries.length, high + PAGE);
  low = Math.max(low, high - MOST);
  show();
}

function draw({ entry, isNewDay, continues, isMerged, isFound }) {
  const side = sideOf(entry);
  return h(
    "li",
    { class: `entry entry-${side}${continues ? " continues" : ""}${isFound ? " is-found" : ""}` },
    isNewDay && h("p", { class: "day" }, stamp(entry.at, "day")),
    side === "call" ? drawCall(entry) : drawMessage(entry, side, isMerged),
  );
}

function drawCall(entry) {
  const [drawing, words] = callOf(entry);
  const length = entry.seconds ? ` · ${span(entry.seconds * 1000)}` : "";
  const name = entry.name ? ` · ${entry.name}` : "";
  return h(
    "p",
    { class: `call call-${entry.state}` },
    icon(drawing),
    h("span", {}, words, name, length),
    stamp(entry.at),
    detailsButton(entry),
  );
}

function detailsButton({ guid }) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button details-open",
      title: t("details.open"),
      "aria-label": t("details.open"),
      "data-focus": "details",
      onclick: () => chooseMessage(guid),
    },
    icon("info"),
  );
}

function drawMessage(entry, side, isMerged) {
  const isVoice = entry.kind === "in" && entry.seconds !== null;
  const facts = [
    entry.channel === "whatsapp" && badge("WhatsApp", "whatsapp"),
    entry.sim && badge(`SIM ${entry.sim}`),
    entry.kind === "by_hand" && badge(t("message.by_hand"), "", "phone"),
    entry.state !== "scheduled" && stamp(entry.time, dateOf(entry.time) === dateOf(entry.at) ? "time" : "dated"),
    isSent(entry) && stateOf(entry),
    entry.reason && h("span", { class: "reason", translate: "no" }, entry.reason),
  ];
  return h(
    "div",
    {
      class: `message message-${side} is-${entry.kind === "by_hand" ? "by-hand" : entry.state}${isMerged ? " is-merged" : ""}`,
    },
    h("span", { class: "unseen" }, `${t(`thread.${isSent(entry) ? "out" : entry.kind}`, { name: titleOf(state) })} `),
    h(
      "div",
      {
        class: "bubble",
        dir: "auto",
        translate: "no",
        onclick: entry.guid && (() => getSelection().isCollapsed && chooseMessage(entry.guid)),
      },
      entry.correspondent &&
        h(
          "span",
          { class: "correspondent" },
          t(isIncoming(entry) ? "thread.from" : "thread.to", { who: entry.correspondent }),
        ),
      entry.title && h("strong", { class: "bubble-title" }, entry.title),
      isVoice &&
        h("span", { class: "voice" }, icon("voice"), t("thread.voice", { length: span(entry.seconds * 1000) })),
      entry.text,
      entry.media_url && h("span", { class: "media" }, icon("clip"), entry.media_url),
      (entry.attachments ?? []).map((name) => h("span", { class: "media" }, icon("clip"), name)),
    ),
    h(
      "p",
      { class: "meta" },
      isMerged ? h("span", { class: "unseen" }, ...facts) : facts,
      entry.guid && detailsButton(entry),
    ),
  );
}
