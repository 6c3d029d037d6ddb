// From one part of the page to another: to a message in its conversation, to a row of a log, to a fault.

import { attempt, get } from "./api.js";
import { $, h } from "./dom.js";
import { t } from "./language.js";
import { chooseMessage, choosePeer, choosePhone, tell } from "./state.js";

/** Open the conversation of a message or call, where it is, with its details, if it is still wanted by then. */
export async function showMessage(guid, isStillWanted = () => true) {
  const { phone, peer, name, contact, entry } = await get(`entries/${encodeURIComponent(guid)}`);
  if (!isStillWanted()) return;
  choosePhone(phone);
  choosePeer(peer, name, { contact, focus: false, entry: entry.id });
  chooseMessage(guid);
}

/** Open a row of the log that is called `requests` or `deliveries`. */
export function showRow(log, id) {
  tell("show", log === "deliveries" ? "webhooks" : log);
  tell("row", { log, id });
}

/** Go to the switch of a kind of fault. */
export function showFault(kind) {
  tell("show", "faults");
  $(`fault-${kind}`)?.focus();
}

/** Buttons that open these messages or calls. */
export function messageLinks(guids) {
  if (!guids.length) return null;
  const problem = h("p", { class: "problem", role: "alert" });
  const buttons = guids.map((guid) =>
    h(
      "button",
      {
        type: "button",
        class: "button small",
        "data-focus": `message-${guid}`,
        onclick: () => attempt(problem, () => showMessage(guid)),
      },
      guids.length > 1 ? t("links.show_one", { guid: guid.slice(0, 8) }) : t("links.show"),
    ),
  );
  return h("div", {}, h("p", { class: "row" }, ...buttons), problem);
}
