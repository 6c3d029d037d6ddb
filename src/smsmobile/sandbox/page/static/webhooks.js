// Where webhooks are posted: adding and removing destinations, test events, changing a secret, ending a pause.

import { announce } from "./announce.js";
import { attempt, get, post, remove } from "./api.js";
import { confirmDialog, openDialog } from "./dialogs.js";
import { $, badge, h, icon, reconcile } from "./dom.js";
import { count, nodes, t } from "./language.js";
import { on, state } from "./state.js";
import { stamp } from "./time.js";
import { watch } from "./watch.js";

const tested = new Map(); // the type of event that was chosen last to test a destination, by its id
let added = null; // the id of the destination that was just added: its card is open
let view;

export function startWebhooks() {
  view = watch(["destinations"], refresh, () => state.overview !== null);
  $("webhook-add").addEventListener("click", add);
  $("webhook-random").addEventListener("click", () => ($("webhook-secret").value = randomSecret()));
  $("rotate-random").addEventListener("click", () => ($("rotate-secret").value = randomSecret()));
  $("webhook-form").addEventListener("change", showVersion);
  on("overview", learnTypes);
}

/** The types of events are known: they can be chosen, and the destinations drawn. */
function learnTypes() {
  const box = $("webhook-types");
  if (box.children.length) return;
  box.append(
    ...state.overview.event_types.map((type) =>
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "type", value: type }), h("code", {}, type)),
    ),
  );
  view.touch();
}

async function refresh() {
  const { destinations } = await get("webhooks");
  reconcile($("destinations"), destinations, (each) => each.id, draw);
  $("destinations-empty").hidden = destinations.length > 0;
  const failing = destinations.filter((each) => each.failures > 0).length;
  $("webhooks-count").textContent = failing ? String(failing) : "";
  $("webhooks-count").hidden = failing === 0;
  $("webhooks-count-text").textContent = failing ? t("webhooks.failing", { count: failing }) : "";
}

function draw(destination) {
  const problem = h("p", { class: "problem", role: "alert" });
  const act = (action) =>
    attempt(problem, async () => {
      await action();
      view.touch();
    });
  const button = (name, text, onclick) =>
    h("button", { type: "button", class: "button small", "data-focus": name, onclick }, text);
  const types =
    destination.types?.join(", ") ?? t(destination.version === 1 ? "webhooks.types_received" : "webhooks.types_all");
  const path = `webhooks/${destination.id}`;
  const summary = h(
    "summary",
    {},
    h("code", { class: "break" }, destination.url),
    icon("down"),
    h(
      "span",
      { class: "card-facts" },
      badge(t("webhooks.version", { version: destination.version })),
      badge(
        t(destination.signed ? "webhooks.signed" : "webhooks.unsigned"),
        destination.signed ? "good" : "",
        destination.signed ? "lock" : null,
      ),
      destination.rotating && badge(t("webhooks.rotating"), "fair", "rotate"),
      destination.failures > 0 && badge(count("webhooks.failures", destination.failures), "bad", "alert"),
      destination.paused_until && badge(t("webhooks.paused"), "bad", "pause"),
    ),
  );
  const body = h(
    "div",
    { class: "card-body" },
    h("p", { class: "quiet" }, t("webhooks.types", { types })),
    destination.paused_until &&
      h("p", { class: "quiet" }, ...nodes("webhooks.paused_until", { when: stamp(destination.paused_until, "both") })),
    sampleOf(destination, path, problem),
    h(
      "p",
      { class: "row" },
      destination.paused_until && button("resume", t("webhooks.resume"), () => act(() => post(`${path}/resume`))),
      destination.signed && !destination.rotating && button("rotate", t("webhooks.rotate"), () => rotate(destination)),
      destination.rotating && button("rotate", t("webhooks.finish"), () => act(() => post(`${path}/finish-rotation`))),
      button("remove", t("webhooks.remove"), () => removeIt(destination)),
    ),
    problem,
  );
  const isNew = destination.id === added;
  if (isNew) added = null;
  return h("li", { class: "card" }, h("details", { open: isNew }, summary, body));
}

/** A test event: which, and the button that sends it. Version 1 knows one only. */
function sampleOf(destination, path, problem) {
  const types = destination.version === 1 ? ["sms.received"] : state.overview.event_types;
  const chosen = tested.get(destination.id) ?? "sms.received";
  const select = h(
    "select",
    {
      "aria-label": t("webhooks.test_type"),
      "data-focus": "type",
      onchange: () => tested.set(destination.id, select.value),
    },
    ...types.map((type) => h("option", { value: type, selected: type === chosen }, type)),
  );
  const done = h("span", { class: "quiet" });
  const send = () =>
    attempt(problem, async () => {
      done.textContent = "";
      const made = await post(`${path}/test`, { type: select.value });
      done.replaceChildren(...nodes("webhooks.test_sent", { when: stamp(made.created_at, "seconds") }));
      announce(t("webhooks.test_announced", { type: made.event_type }));
    });
  return h(
    "p",
    { class: "row test-event" },
    types.length > 1 && h("span", { class: "select" }, select, icon("down")),
    h("button", { type: "button", class: "button small", "data-focus": "test", onclick: send }, t("webhooks.test")),
    done,
  );
}

function removeIt(destination) {
  const text = t("webhooks.remove_about", { url: destination.url });
  confirmDialog({ title: t("webhooks.remove_title"), text, action: t("webhooks.remove") }, async () => {
    await remove(`webhooks/${destination.id}`);
    view.touch();
  });
}

function rotate(destination) {
  openDialog("rotate-dialog", async ({ elements }) => {
    await post(`webhooks/${destination.id}/rotate`, { next_secret: elements.secret.value });
    view.touch();
  });
}

function add() {
  openDialog(
    "webhook-dialog",
    async ({ elements }) => {
      const version = Number(elements.version.value);
      const types = [...$("webhook-types").querySelectorAll(":checked")].map((box) => box.value);
      const given = { url: elements.url.value, version };
      if (version === 2) Object.assign(given, { secret: elements.secret.value, types: types.length ? types : null });
      added = (await post("webhooks", given)).id;
      view.touch();
    },
    ({ elements }) => {
      elements.secret.value = randomSecret();
      showVersion();
    },
  );
}

function showVersion() {
  $("webhook-signed").hidden = $("webhook-form").elements.version.value !== "2";
}

function randomSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
