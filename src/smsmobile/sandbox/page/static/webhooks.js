// Where webhooks are posted: adding and removing destinations, test events, changing a secret, ending a pause.

import { announce } from "./announce.js";
import { attempt, get, post, remove } from "./api.js";
import { confirmDialog, openDialog } from "./dialogs.js";
import { $, badge, h, icon, reconcile } from "./dom.js";
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
  $("webhooks-count-text").textContent = failing ? `${failing} failing` : "";
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
  const types = destination.types?.join(", ") ?? (destination.version === 1 ? "received SMS" : "all");
  const path = `webhooks/${destination.id}`;
  const summary = h(
    "summary",
    {},
    h("code", { class: "break" }, destination.url),
    icon("down"),
    h(
      "span",
      { class: "card-facts" },
      badge(`Version ${destination.version}`),
      badge(
        destination.signed ? "Signed" : "Unsigned",
        destination.signed ? "good" : "",
        destination.signed ? "lock" : null,
      ),
      destination.rotating && badge("Secret is changing", "fair", "rotate"),
      destination.failures > 0 && badge(`${destination.failures} failed in a row`, "bad", "alert"),
      destination.paused_until && badge("Paused", "bad", "pause"),
    ),
  );
  const body = h(
    "div",
    { class: "card-body" },
    h("p", { class: "quiet" }, `Events: ${types}`),
    destination.paused_until &&
      h(
        "p",
        { class: "quiet" },
        "It kept failing, so nothing is posted until ",
        stamp(destination.paused_until, "both"),
        ".",
      ),
    sampleOf(destination, path, problem),
    h(
      "p",
      { class: "row" },
      destination.paused_until && button("resume", "Resume", () => act(() => post(`${path}/resume`))),
      destination.signed && !destination.rotating && button("rotate", "Change secret", () => rotate(destination)),
      destination.rotating && button("rotate", "Finish the change", () => act(() => post(`${path}/finish-rotation`))),
      button("remove", "Remove", () => removeIt(destination)),
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
      "aria-label": "Type of the test event",
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
      done.replaceChildren("Sent at ", stamp(made.created_at, "seconds"), ".");
      announce(`A test event ${made.event_type} is being sent.`);
    });
  return h(
    "p",
    { class: "row test-event" },
    types.length > 1 && h("span", { class: "select" }, select, icon("down")),
    h("button", { type: "button", class: "button small", "data-focus": "test", onclick: send }, "Send test event"),
    done,
  );
}

function removeIt(destination) {
  const text = `Nothing more is posted to ${destination.url}. What was delivered stays in the log.`;
  confirmDialog({ title: "Remove this destination?", text, action: "Remove" }, async () => {
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
