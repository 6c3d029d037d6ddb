// The conversations of the chosen phone: searched, paged, newest first, kept up to date; and beginning a new one.

import { get, post } from "./api.js";
import { announceRows, own } from "./announce.js";
import { openDialog } from "./dialogs.js";
import { $, h, reconcile } from "./dom.js";
import { t } from "./language.js";
import { oneTabStop } from "./list.js";
import { avatar, isOverdue, summaryOf, titleOf } from "./messages.js";
import { choosePeer, on, state } from "./state.js";
import { stamp } from "./time.js";
import { isReading, shortCount } from "./unread.js";
import { watch } from "./watch.js";

const PAGE = 30;
const LARGEST_PAGE = 200; // what the endpoint gives at once
const MOST = 400; // rows in the list; what is older is found by searching

let rows = [];
let more = false;
let loaded = null; // for which phone and search the rows are
let view;
let loading = false;
let typing = null;
let revealing = null; // the conversation whose row comes into view as soon as the list has it

export function startConversations() {
  const topics = ["messages", "received", "by_hand", "calls", "notifications", "mails", "phones", "accounts", "seen"];
  view = watch(topics, refresh, () => state.phone !== null);
  setInterval(() => rows.some(({ last, found }) => isOverdue(found ?? last)) && view.touch(), 1000);
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(view.touch, 150);
  });
  $("conversations-older").addEventListener("click", loadOlder);
  oneTabStop($("conversation-list"), ".conversation");
  new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && loadOlder(), {
    root: $("conversation-scroll"),
    rootMargin: "200px",
  }).observe($("conversations-older"));
  for (const id of ["new-conversation", "new-conversation-empty"]) $(id).addEventListener("click", begin);
  on("phone", view.touch);
  on("reading", view.touch);
  on("peer", () => {
    mark();
    if (state.peer === null) view.touch();
  });
  on("view", (name) => name === "thread" && openNewest());
}

const wanted = () => JSON.stringify([state.phone, $("search").value.trim()]);

async function refresh() {
  const which = wanted();
  const [phone, search] = JSON.parse(which);
  const isSame = which === loaded;
  const limit = isSame ? Math.min(Math.max(rows.length, PAGE), LARGEST_PAGE) : PAGE;
  const page = await get("conversations", { phone, search, limit });
  if (which !== wanted()) return view.touch();
  merge(page, isSame);
  loaded = which;
  show();
  if (!search) await announceRows(phone, rows);
}

/** Take over a page: it tells all there is down to its last row. */
function merge(page, keep) {
  const seen = new Set(page.conversations.map((each) => each.peer));
  const end = page.more ? page.conversations.at(-1).last.id : -Infinity;
  const below = keep ? rows.filter((each) => each.last.id < end && !seen.has(each.peer)) : [];
  if (!below.length) more = page.more;
  rows = [...page.conversations, ...below];
}

async function loadOlder() {
  if (!more || loading || rows.length >= MOST) return;
  const which = loaded;
  const [phone, search] = JSON.parse(which);
  loading = true;
  try {
    const page = await get("conversations", { phone, search, before: rows.at(-1).last.id, limit: PAGE });
    if (which !== loaded) return;
    const seen = new Set(rows.map((each) => each.peer));
    rows = [...rows, ...page.conversations.filter((each) => !seen.has(each.peer))];
    more = page.more;
    show();
  } catch {
    // The banner says that the sandbox does not answer; the next scroll tries again.
  } finally {
    loading = false;
  }
}

function show() {
  const search = $("search").value.trim();
  const none = rows.length === 0;
  const reading = isReading() ? state.peer : null;
  const shown = rows.map((each) => (each.peer === reading ? { ...each, unseen: 0 } : each));
  reconcile($("conversation-list"), shown, (each) => each.peer, draw);
  mark();
  showRevealed();
  $("conversations-none").hidden = !none || !search;
  $("conversations-none").textContent = t("conversations.none", { search });
  $("conversations-empty").hidden = !none || Boolean(search);
  $("conversations-older").hidden = !more || rows.length >= MOST;
  $("conversations-most").hidden = !more || rows.length < MOST;
  $("phone-area").classList.toggle("is-empty", none && !search);
  if (matchMedia("(min-width: 720px)").matches && !search) openNewest();
}

/** Where a thread is shown, there is one, as long as anybody wrote. */
function openNewest() {
  if (state.peer === null && rows.length) openRow(rows[0], { focus: false });
}

const openRow = ({ peer, name, contact }, how) => choosePeer(peer, name, { ...how, contact });

function draw(row) {
  const shown = row.found ?? row.last;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: row.unseen ? "conversation is-unread" : "conversation",
        "data-focus": "open",
        onclick: () => openRow(row, { focus: true, entry: row.found?.id }),
      },
      avatar(titleOf(row), row.peer),
      h(
        "span",
        { class: "conversation-name", dir: "auto", translate: "no" },
        titleOf(row),
        row.contact && " ",
        row.contact && h("span", { class: "conversation-number", dir: "auto" }, row.name),
      ),
      stamp(shown.time, "short"),
      h("span", { class: "conversation-last" }, ...summaryOf(shown)),
      row.unseen > 0 &&
        h(
          "span",
          { class: "unread-count" },
          shortCount(row.unseen),
          h("span", { class: "unseen" }, ` ${t("conversations.unread")}`),
        ),
    ),
  );
}

function mark() {
  for (const item of $("conversation-list").children) {
    const button = item.firstElementChild;
    if (item.dataset.key === state.peer) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function begin() {
  openDialog("new-dialog", async ({ elements }) => {
    const given = { sender: elements.sender.value, text: elements.text.value, channel: elements.channel.value };
    const { guid } = await own(post(`phones/${state.phone}/messages`, given));
    return conversationOf(guid);
  });
}

/** What opens the conversation that this new message or call belongs to. */
export async function conversationOf(guid) {
  const { peer, name, entry } = await get(`entries/${guid}`);
  return () => reveal({ peer, name, last: entry });
}

/** Open a conversation that the list need not have yet, and let its row come into view. */
function reveal(conversation) {
  revealing = conversation;
  $("search").value = "";
  view.touch();
  openRow(conversation, { focus: true });
}

function showRevealed() {
  const index = rows.findIndex((row) => row.peer === revealing?.peer && row.last.id >= revealing.last.id);
  if (index === -1) return;
  revealing = null;
  $("conversation-list").children[index].scrollIntoView({ block: "nearest" });
}
