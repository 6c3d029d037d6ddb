// What a screen reader is told of things that happen by themselves: one sentence every few seconds, not one a message.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { count, t } from "./language.js";
import { titleOf } from "./messages.js";
import { watch } from "./watch.js";

const FIRST = 200; // milliseconds from the first thing to its sentence
const PAUSE = 2000; // milliseconds between two sentences
const MOST = 1000; // GUIDs that are remembered
const LARGEST_PAGE = 200; // what the endpoint gives at once
const REQUESTS = 20; // failed requests that are looked at
const EACH_SECOND = 1000; // milliseconds
const FEW = 3; // conversations with several new entries that are looked at; those of more are only counted

/** What is told of: one thing, or how many of them. */
const WORDS = [
  "in",
  "call",
  "notification",
  "mail",
  "by_hand",
  "scheduled",
  "queued",
  "sent",
  "failed",
  "refused",
  "request_refused",
  "request_broken",
  "more",
];

const mine = new Set(); // GUIDs of what was done on this page, which its reader need not be told
let pending = 0; // so many things that were done on this page have no GUID yet
let waiting = []; // what was not told yet: {guid, what, name, text}
let timer = null;
let known = { phone: null, newest: 0, rows: [] }; // the list of conversations as it was last

let newest = null; // the id of the last failed request that was told

/** From now on, failed requests are told as well. */
export function startAnnouncer() {
  watch(["requests"], announceRequests, undefined, EACH_SECOND);
}

/** Of a failed request that made a message, the message is told. */
async function announceRequests() {
  const { requests } = await get("requests", { failed: 1, limit: REQUESTS });
  const last = newest;
  newest = requests[0]?.id ?? last ?? 0;
  if (last === null) return;
  for (const { outcome, path, error, status, messages } of requests.filter((each) => each.id > last).reverse())
    if (!messages.length) waiting.push({ what: `request_${outcome}`, name: path, text: error || String(status ?? "") });
  tellSoon();
}

/** Say a sentence now. */
export function announce(sentence) {
  $("announcer").textContent = sentence;
}

/** What is done on this page is not announced to whoever did it. `answer` will have its GUID. */
export async function own(answer) {
  pending += 1;
  try {
    const { guid } = await answer;
    mine.add(guid);
    if (mine.size > MOST) mine.delete(mine.values().next().value);
    return { guid };
  } finally {
    pending -= 1;
  }
}

/** Say what is new in the list of a phone's conversations: messages of both sides, and what became of them. */
export async function announceRows(phone, rows) {
  const before = known;
  known = { phone, rows, newest: rows[0]?.last.id ?? 0 };
  if (before.phone !== phone) return;
  const were = new Map(before.rows.map((row) => [row.peer, row]));
  const grown = [];
  for (const row of rows) {
    const was = were.get(row.peer);
    if (row.last.id > before.newest) grown.push({ row, count: was ? Math.max(1, row.count - was.count) : 1 });
    else if (was?.last.id === row.last.id && was.last.state !== row.last.state) put(titleOf(row), row.last);
  }
  const many = grown.filter(({ count }) => count > 1);
  for (const { row, count } of grown) {
    if (count === 1) put(titleOf(row), row.last);
    else if (many.length <= FEW) for (const entry of await newestOf(phone, row, count)) put(titleOf(row), entry);
    else for (let index = 0; index < count; index += 1) waiting.push({ what: "more" });
  }
  tellSoon();
}

function tellSoon() {
  if (waiting.length && timer === null) timer = setTimeout(flush, FIRST);
}

async function newestOf(phone, { peer }, count) {
  const { entries } = await get("thread", { phone, peer, limit: Math.min(count, LARGEST_PAGE) });
  return entries;
}

function put(name, { guid, kind, state, text }) {
  waiting.push({ guid, what: kind === "out" ? state : kind, name, text });
}

function flush() {
  if (pending) {
    timer = setTimeout(flush, FIRST);
    return;
  }
  const said = waiting.filter((each) => !mine.has(each.guid));
  waiting = [];
  timer = null;
  if (!said.length) return;
  announce(said.length === 1 ? sentence(said[0]) : sum(said));
  timer = setTimeout(() => {
    timer = null;
    if (waiting.length) flush();
  }, PAUSE);
}

function sentence({ what, name, text }) {
  const told = { what: t(`announce.${what}`), name, text: text?.slice(0, 200) };
  return t(text ? "announce.told_text" : "announce.told", told);
}

function sum(said) {
  const parts = WORDS.map((what) => {
    const number = said.filter((each) => each.what === what).length;
    return number && count(`announce.${what}`, number);
  });
  return `${parts.filter(Boolean).join(", ")}.`;
}
