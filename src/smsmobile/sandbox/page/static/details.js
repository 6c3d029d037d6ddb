// The details of one message or call, in a dialog: its GUID, its times, what it costs, and what else concerns it.

import { attempt, get } from "./api.js";
import { copyButton } from "./copy.js";
import { deliveryBadge } from "./deliveries.js";
import { $, h, icon, reconcile } from "./dom.js";
import { said, t } from "./language.js";
import { showFault, showRow } from "./links.js";
import { callOf, stateOf } from "./messages.js";
import { outcomeBadge } from "./requests.js";
import { chooseMessage, on, state } from "./state.js";
import { span, stamp } from "./time.js";
import { watch } from "./watch.js";

const TABLES = ["messages", "received", "by_hand", "calls", "requests", "deliveries", "phones", "accounts"];
const UNITS = { "GSM-7": t("details.septets"), "UCS-2": t("details.utf16") };

let view;
let shown = null; // the id of the entry in the thread

export function startDetails() {
  view = watch(TABLES, refresh, () => state.message !== null);
  on("message", open);
  $("details").addEventListener("close", closed);
  const link = () => `${location.origin}/#${new URLSearchParams({ message: state.message })}`;
  $("details-link").append(copyButton(t("details.the_link"), link));
}

function open() {
  const dialog = $("details");
  if (state.message === null) return dialog.close();
  show(null);
  view.touch();
  if (!dialog.open) dialog.showModal();
}

function closed() {
  if ($("details").open) return; // another message's by now
  if (state.message !== null) chooseMessage(null);
  // The browser gives the focus back itself, unless what had it cannot be seen any more.
  const focused = document.activeElement;
  if (focused !== document.body && focused.checkVisibility()) return;
  const button = $("entries").querySelector(`[data-key="${shown}"] .details-open`);
  (button ?? $("thread-scroll")).focus();
}

async function refresh() {
  const guid = state.message;
  await attempt($("details-problem"), async () => {
    const found = await get(`entries/${encodeURIComponent(guid)}`);
    if (guid === state.message) show(found);
  });
}

function show(found) {
  shown = found?.entry.id ?? null;
  const isCall = found?.entry.kind === "call";
  $("details-problem").textContent = "";
  $("details-title").textContent = t(isCall ? "details.call" : "details.message");
  reconcile($("details-facts"), found ? factsOf(found) : [], ([name]) => name, drawFact);
  $("details-requests-part").hidden = found?.entry.kind !== "out";
  $("details-deliveries-part").hidden = !found;
  showRows("requests", found?.requests ?? [], drawRequest);
  showRows("deliveries", found?.deliveries ?? [], drawDelivery);
}

function showRows(name, rows, draw) {
  reconcile($(`details-${name}`), rows, (row) => row.id, draw);
  $(`details-no-${name}`).hidden = rows.length > 0;
}

/** What there is to say: a name, how it is drawn, and what is drawn. */
function factsOf({ entry, name, contact, phone, segments }) {
  const label = state.phones.find((each) => each.sid === phone)?.label ?? phone;
  const [who, when] = {
    in: [t("details.from"), t("details.received")],
    out: [t("details.to"), t("details.accepted")],
    by_hand: [t("details.to"), t("details.sent")],
    call: [t("details.with"), t("details.began")],
  }[entry.kind];
  const channel = entry.channel === "whatsapp" ? "WhatsApp" : "SMS";
  return [
    ["GUID", "guid", entry.guid],
    [who, "text", contact ? `${contact}, ${name}` : name],
    [t("details.phone"), "text", entry.sim ? `${label}, SIM ${entry.sim}` : label],
    entry.kind === "call" && [t("details.was"), "text", callOf(entry)[1]],
    entry.kind === "call" && [t("details.lasted"), "text", span(entry.seconds * 1000)],
    entry.kind !== "call" && [t("details.by"), "text", entry.kind === "by_hand" ? t("details.by_hand") : channel],
    entry.kind === "out" && [t("details.state"), "state", entry],
    [when, "time", entry.at],
    entry.sent_at && [t("details.sent"), "time", entry.sent_at],
    segments && [t("details.encoding"), "text", segments.encoding],
    segments && [t("details.parts"), "text", partsOf(segments)],
  ].filter(Boolean);
}

function partsOf({ encoding, units, parts, per_part }) {
  const values = { parts, units, room: per_part, name: UNITS[encoding] };
  return t(parts === 1 ? "details.one_part" : "details.many_parts", values);
}

const DRAWN = {
  guid: (guid) => [h("code", {}, guid), copyButton(t("details.the_guid"), () => guid)],
  text: (text) => [text],
  time: (moment) => [stamp(moment, "both")],
  state: (entry) => [stateOf(entry), entry.reason && h("span", { class: "reason" }, entry.reason)],
};

function drawFact([name, drawing, value]) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: `fact-${drawing}` }, ...DRAWN[drawing](value)));
}

function drawRequest(request) {
  const words = h("span", { class: "log-what" }, h("code", {}, `${request.method} ${request.path}`));
  return drawRow("requests", request, [outcomeBadge(request), words, stamp(request.at, "both")]);
}

function drawDelivery(delivery) {
  const words = h("span", { class: "log-what" }, h("code", {}, delivery.event_type));
  const where = h("span", { class: "log-where", translate: "no" }, delivery.url);
  return drawRow("deliveries", delivery, [deliveryBadge(delivery), words, stamp(delivery.created_at, "both"), where]);
}

function drawRow(log, { id, faults }, content) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "details-row", "data-focus": "row", onclick: () => leave(showRow, log, id) },
      ...content,
    ),
    faults.length > 0 &&
      h("p", { class: "row" }, h("span", { class: "quiet" }, t("details.faults")), ...faults.map(drawFault)),
  );
}

function drawFault(kind) {
  const title = said(`fault.${kind}`, state.overview?.fault_kinds.find((each) => each.kind === kind)?.title ?? kind);
  return h(
    "button",
    { type: "button", class: "button small", "data-focus": kind, onclick: () => leave(showFault, kind) },
    icon("bolt"),
    title,
  );
}

/** Go from here to another part of the page. */
function leave(go, ...to) {
  chooseMessage(null);
  go(...to);
}
