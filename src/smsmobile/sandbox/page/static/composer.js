// Writing into the open conversation, as the other person or by hand on the phone, and calls.

import { attempt, post } from "./api.js";
import { own } from "./announce.js";
import { conversationOf } from "./conversations.js";
import { openDialog } from "./dialogs.js";
import { $, allow, h, icon, isAllowed, reconcile } from "./dom.js";
import { avatar, isPlace, titleOf } from "./messages.js";
import { on, phone, state } from "./state.js";
import { refreshThread } from "./thread.js";
import { now, stamp } from "./time.js";

const drafts = new Map(); // what was begun in other conversations

let shown = null;

export function startComposer() {
  const text = $("composer-text");
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  text.addEventListener("input", () => refuse(""));
  $("composer-as").addEventListener("change", label);
  for (const id of ["call", "call-empty"]) $(id).addEventListener("click", () => call(id === "call"));
  on("peer", open);
  on("phones", label);
  on("name", label);
  for (const topic of ["overview", "clock"]) on(topic, note);
  setInterval(note, 1000); // a window can end
  on("opened", ({ channel }) => {
    $("composer-as").value = channel;
    label();
  });
}

function open({ focus }) {
  const text = $("composer-text");
  if (shown) drafts.set(shown, text.value);
  shown = state.peer === null ? null : JSON.stringify([state.phone, state.peer]);
  text.value = drafts.get(shown) ?? "";
  refuse("");
  label();
  if (!focus) return;
  // On a narrow page the keyboard of a real phone would cover the conversation: there the heading gets the focus.
  const isWide = matchMedia("(min-width: 720px)").matches;
  (isWide && !isPlace(state.peer) ? text : $("thread-title")).focus({ preventScroll: true });
}

/** Says in plain words who writes. */
function label() {
  const mine = phone()?.label ?? "the phone";
  const byHand = $("composer-as").value === "by_hand";
  const who = state.contact ? `${state.contact} (${state.name})` : state.name;
  $("composer-label").textContent = byHand ? `As the owner of ${mine}, to ${who}` : `Reply as ${who}`;
  $("composer").classList.toggle("is-by-hand", byHand);
  $("composer-avatar").replaceChildren(
    byHand
      ? h("span", { class: "avatar", "aria-hidden": "true" }, icon("phone"))
      : avatar(titleOf(state), state.peer ?? ""),
  );
  note();
}

/** Says what your application learns of it, where that is a question. */
function note() {
  const how = $("composer-as").value;
  const words = how === "by_hand" ? byHandNote() : how === "whatsapp" && state.overview ? windowNote() : [];
  reconcile($("composer-note"), words.length ? [words] : [], () => how, drawNote);
  $("composer-note").hidden = !words.length;
}

const byHandNote = () => ["The phone's owner types this SMS on the phone: your application does not send it."];

/** Received WhatsApp messages can be fetched only while a synchronisation window is open. */
function windowNote() {
  const { whatsapp_retrieval, whatsapp_window_ends_at: end } = state.overview;
  if (!whatsapp_retrieval) return ["Retrieval is off: your application gets WhatsApp messages by webhook only."];
  if (end === null) return ["No synchronisation window: your application asks for one, and can then fetch it."];
  if (Date.parse(end) < now()) return ["The synchronisation window ended: your application asks for a new one."];
  return ["Synchronisation window: your application can fetch it until ", end];
}

function drawNote([words, end]) {
  return h("span", {}, words, end && stamp(end, "time"), end && ".");
}

/** Say why a text is not sent; empty: nothing is wrong. */
function refuse(why) {
  $("composer-problem").textContent = why;
  if (why) $("composer-text").setAttribute("aria-invalid", "true");
  else $("composer-text").removeAttribute("aria-invalid");
}

async function send() {
  const field = $("composer-text");
  const text = field.value;
  const how = $("composer-as").value;
  const button = $("composer-send");
  if (!isAllowed(button)) return;
  field.focus({ preventScroll: true });
  if (!text.trim()) return refuse("Write something first.");
  allow(button, false);
  const sentFrom = shown;
  const worked = await attempt($("composer-problem"), () =>
    own(
      how === "by_hand"
        ? post(`phones/${state.phone}/sent`, { recipient: state.name, text })
        : post(`phones/${state.phone}/messages`, { sender: state.name, text, channel: how }),
    ),
  );
  allow(button, true);
  if (!worked) return;
  drafts.delete(sentFrom);
  // What was typed meanwhile stays.
  if (shown === sentFrom && field.value.startsWith(text)) field.value = field.value.slice(text.length);
  refreshThread();
}

function call(fromThread) {
  openDialog(
    "call-dialog",
    async ({ elements }) => {
      const { guid } = await own(
        post(`phones/${state.phone}/calls`, {
          number: elements.number.value,
          name: elements.name.value || null,
          kind: elements.kind.value,
          seconds: elements.seconds.valueAsNumber || 0,
        }),
      );
      return conversationOf(guid);
    },
    ({ elements }) => {
      elements.number.value = fromThread && state.peer !== null ? state.name : "";
    },
  );
}
