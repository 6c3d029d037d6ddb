// Dialogs: opened with a form that is sent by a function, closed by Escape or Cancel, the focus given back.

import { attempt } from "./api.js";
import { $, allow, isAllowed } from "./dom.js";
import { t } from "./language.js";

/**
 * Open the dialog with this id. `prepare(form)` fills it; `send(form)` does what it is for, and while that fails the
 * dialog stays, with the reason. What `send` returns is called once the dialog has closed and given the focus back.
 */
export function openDialog(id, send, prepare = () => {}) {
  const dialog = $(id);
  const form = dialog.querySelector("form");
  const problem = form.querySelector(".problem");
  const opener = document.activeElement;
  form.reset();
  accept(form);
  form.oninput = () => accept(form);
  form.onkeydown = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  };
  prepare(form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const submit = form.querySelector("[type=submit]");
    if (!isAllowed(submit) || !isComplete(form)) return;
    allow(submit, false);
    let then;
    const worked = await attempt(problem, async () => (then = await send(form)));
    allow(submit, true);
    if (!worked) return;
    dialog.close();
    then?.();
  };
  for (const button of form.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  dialog.onclose = () => {
    // The browser gives the focus back itself, unless the opener was drawn anew meanwhile.
    if (document.activeElement !== document.body) return;
    const heir = opener?.isConnected ? opener : $(opener?.id || "main");
    heir?.focus({ preventScroll: true });
  };
  dialog.showModal();
}

/** Whether all fields can be used as they are filled; if not, the first one that cannot is named and has the focus. */
function isComplete(form) {
  const wrong = [...form.elements].find((field) => field.checkVisibility() && whyNot(field));
  if (!wrong) return true;
  form.querySelector(".problem").textContent = whyNot(wrong);
  wrong.setAttribute("aria-invalid", "true");
  wrong.focus();
  return false;
}

/** Why a field cannot be used as it is filled, in a sentence; empty where it can. What is no number has no value. */
export function whyNot(field) {
  const name = () => field.labels[0].querySelector("span")?.textContent ?? field.labels[0].textContent;
  if (field.validity.badInput) return t("dialog.no_number", { label: name() });
  return field.required && !field.value.trim() ? t("dialog.empty", { label: name() }) : "";
}

/** Nothing is wrong any more, or not yet. */
function accept(form) {
  form.querySelector(".problem").textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** Ask before something is done that cannot be undone. */
export function confirmDialog({ title, text, action }, send) {
  openDialog("confirm", send, () => {
    $("confirm-title").textContent = title;
    $("confirm-text").textContent = text;
    $("confirm-action").textContent = action;
  });
}
