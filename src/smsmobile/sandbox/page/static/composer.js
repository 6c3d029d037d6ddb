// Writing into the open conversation, as the other person or by hand on the phone, and calls.

import { attempt, post } from "./api.js";
import { own } from "./announce.js";
import { conversationOf } from "./conversations.js";
import { openDialog } from "./dialogs.js";
import { $, allow, h, icon, isAllowed, reconcile } from "./dom.js";
import { nodes, t } from "./language.js";
import { avatar, isPlace, titleOf } from "./messages.js";
import { on, phone, state } from "./state.js";
import { refreshThread } from "./thread.js";
import { now, stamp } from "./time.js";

const drafts = new Map(kept()); // what was begun in other conversations

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
  addEventListener("pagehide", keep);
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

/** What was begun outlives a reload, and a change of the language. */
function keep() {
  if (shown) drafts.set(shown, $("composer-text").value);
  try {
    sessionStorage.setItem("drafts", JSON.stringify([...drafts]));
  } catch {
    // storage is switched off: it is forgotten with the page
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem("drafts")) ?? [];
  } catch {
    return [];
  }
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
  const mine = phone()?.label ?? t("composer.the_phone");
  const byHand = $("composer-as").value === "by_hand";
  const who = state.contact ? t("composer.name", { contact: state.contact, number: state.name }) : state.name;
  $("composer-label").textContent = t(byHand ? "composer.label_by_hand" : "composer.label", { phone: mine, name: who });
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
  const words =
    how === "by_hand" ? ["composer.note_by_hand"] : how === "whatsapp" && state.overview ? windowNote() : [];
  reconcile($("composer-note"), words.length ? [words] : [], () => how, drawNote);
  $("composer-note").hidden = !words.length;
}

/** Received WhatsApp messages can be fetched only while a synchronisation window is open. */
function windowNote() {
  const { whatsapp_retrieval, whatsapp_window_ends_at: end } = state.overview;
  if (!whatsapp_retrieval) return ["composer.note_off"];
  if (end === null) return ["composer.note_no_window"];
  if (Date.parse(end) < now()) return ["composer.note_ended"];
  return ["composer.note_window", end];
}

function drawNote([key, end]) {
  return h("span", {}, ...nodes(key, end && { when: stamp(end, "time") }));
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
  if (!text.trim()) return refuse(t("composer.empty"));
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
