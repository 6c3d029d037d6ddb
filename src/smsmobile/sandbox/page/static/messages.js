// How an entry of a thread is put into words and drawings; used by the list of conversations and the thread.

import { h, icon } from "./dom.js";
import { nodes, t } from "./language.js";
import { now, stamp } from "./time.js";

const TINTS = 5; // in style.css

const STATES = {
  scheduled: ["clock", t("message.scheduled")],
  queued: ["hourglass", t("message.queued")],
  sent: ["check", t("message.sent")],
  failed: ["alert", t("message.failed")],
  refused: ["ban", t("message.refused")],
};

const CALLS = {
  missed: ["missed", t("message.missed_call")],
  incoming: ["answered", t("message.answered_call")],
  outgoing: ["called", t("message.outgoing_call")],
};

// Where the phone shows what has no other party. Their peers begin with a space, as no name of a sender does.
const PLACES = {
  " notifications": ["bell", t("message.notifications")],
  " mailbox": ["mail", t("message.mailbox")],
};

/** Whether nobody is there who could be answered. */
export const isPlace = (peer) => peer !== null && Object.hasOwn(PLACES, peer);

/** What a conversation is called: by the contact, or as its peer spells itself. */
export const titleOf = ({ peer, name, contact }) => (isPlace(peer) ? PLACES[peer][1] : contact || name);

/** Whether it comes from somebody else, and not from the application or the phone. */
export const isIncoming = ({ kind, state }) => kind === "in" || (kind === "mail" && state === "received");

/** Whether the application has sent it. */
export const isSent = (entry) => !isIncoming(entry) && !["by_hand", "call"].includes(entry.kind);

/** Whether a scheduled message is due by now, so that the sandbox has something else to say of it. */
export const isOverdue = (entry) => entry.state === "scheduled" && Date.parse(entry.due_at) <= now();

/** The drawing and the words of a call. */
export const callOf = (entry) => CALLS[entry.state] ?? ["missed", t("message.call")];

/** The state of an outgoing message: a drawing and a word, and for a scheduled one when. */
export function stateOf(entry) {
  const known = STATES[entry.state];
  if (!known) return null;
  const [drawing, word] = known;
  const isDue = entry.state === "scheduled" && entry.due_at;
  const words = isDue ? nodes("message.scheduled_for", { when: stamp(entry.due_at, "due") }) : [word];
  return h("span", { class: `state state-${entry.state}` }, icon(drawing), h("span", {}, ...words));
}

/** One line about an entry, for a list; where a search has found it, with the words marked. */
export function summaryOf(entry) {
  if (entry.kind === "call") {
    const [drawing, words] = callOf(entry);
    return [icon(drawing), h("span", { class: "preview" }, words)];
  }
  const known = isSent(entry) ? STATES[entry.state] : null;
  const mark =
    known &&
    h(
      "span",
      { class: `state state-${entry.state}` },
      icon(known[0]),
      h("span", { class: "unseen" }, `${t("message.labelled", { label: known[1] })} `),
    );
  return [
    mark,
    isIncoming(entry)
      ? null
      : h(
          "span",
          { class: "you" },
          entry.kind === "by_hand" ? `${t("message.labelled", { label: t("message.by_hand") })} ` : "",
        ),
    h(
      "span",
      { class: "preview", dir: "auto", translate: "no" },
      ...(entry.excerpt
        ? [entry.excerpt[0], h("mark", {}, entry.excerpt[1]), entry.excerpt[2]]
        : [entry.title ? `${t("message.labelled", { label: entry.title })} ` : "", entry.text]),
    ),
  ];
}

/** A round sign for a conversation: the name's first letter, or a figure where it is a number; tinted by its peer. */
export function avatar(name, peer) {
  if (isPlace(peer)) return h("span", { class: "avatar", "aria-hidden": "true" }, icon(PLACES[peer][0]));
  const letter = /\p{L}/u.exec(name)?.[0];
  const tint = [...peer].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 9973, 7) % TINTS;
  return h(
    "span",
    { class: `avatar tint-${tint}`, "aria-hidden": "true" },
    letter ? letter.toUpperCase() : icon("person"),
  );
}
