// What is to go wrong: a switch for each kind, and beside it how often, how likely and how long.

import { attempt, get, post, remove } from "./api.js";
import { $, allow, h, icon, isAllowed } from "./dom.js";
import { on, state } from "./state.js";
import { watch } from "./watch.js";

const GROUPS = { request: "Requests", account: "Account", webhook: "Webhooks" };

let faults = [];
let view;
const rows = new Map(); // the elements of each kind

export function startFaults() {
  on("overview", draw);
  view = watch(["faults"], refresh);
  on("tab", view.touch);
  $("faults-off").addEventListener("click", () => isAllowed($("faults-off")) && allOff());
}

function allOff() {
  attempt($("faults-problem"), async () => {
    await remove("faults");
    view.touch();
  });
}

async function refresh() {
  faults = (await get("faults")).faults;
  for (const [kind, row] of rows) show(kind, row);
  allow($("faults-off"), faults.length > 0);
  $("faults-count").textContent = faults.length ? String(faults.length) : "";
  $("faults-count").hidden = faults.length === 0;
  $("faults-count-text").textContent = faults.length ? `, ${faults.length} switched on` : "";
}

function draw() {
  if (rows.size) return;
  for (const [group, title] of Object.entries(GROUPS)) {
    const kinds = state.overview.fault_kinds.filter((each) => each.group === group);
    const list = h("ul", { class: "faults" }, ...kinds.map(rowOf));
    $("fault-groups").append(h("section", { class: "fault-group" }, h("h3", {}, title), list));
  }
  view.touch();
}

function rowOf(about) {
  const { kind } = about;
  const name = `fault-${kind}`;
  const number = (field, text, props) =>
    h("label", {}, h("span", {}, text), h("input", { type: "number", name: field, inputmode: "decimal", ...props }));
  const toggle = h(
    "button",
    {
      type: "button",
      role: "switch",
      class: "switch",
      id: name,
      "aria-labelledby": `${name}-title`,
      "aria-describedby": `${name}-text`,
      "aria-checked": "false",
    },
    h("span", { class: "switch-track" }),
  );
  const form = h(
    "form",
    { class: "fault-options", id: `${name}-options`, hidden: true, novalidate: true },
    number("times", "Next", { min: 1, step: 1, placeholder: "all" }),
    number("probability", "Likely, %", { min: 0, max: 100, step: "any", placeholder: "100" }),
    about.seconds !== null && number("seconds", "Seconds", { min: 0, step: "any", placeholder: about.seconds }),
    about.status !== null && number("status", "Status", { min: 500, max: 599, step: 1, placeholder: about.status }),
    about.group !== "webhook" &&
      h(
        "label",
        { class: "wide" },
        h("span", {}, "Only for path"),
        h("input", { name: "path", placeholder: "/sendsms/" }),
      ),
  );
  const summary = h("span", {});
  const options = h(
    "button",
    {
      type: "button",
      class: "fault-how",
      "aria-expanded": "false",
      "aria-controls": form.id,
      title: "How often, how likely, how long",
    },
    h("span", { class: "unseen" }, `${about.title}: `),
    summary,
    icon("down"),
  );
  const struck = h("p", { class: "fault-struck" });
  const problem = h("p", { class: "problem", role: "alert" });
  const row = { about, toggle, form, summary, struck, problem };
  toggle.addEventListener("click", () => turn(row));
  options.addEventListener("click", () => {
    form.hidden = !form.hidden;
    options.setAttribute("aria-expanded", String(!form.hidden));
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => change(row));
  rows.set(kind, row);
  return h(
    "li",
    { class: "fault-row" },
    toggle,
    h(
      "div",
      { class: "fault-about" },
      h("p", { class: "fault-title", id: `${name}-title` }, about.title),
      h("p", { class: "quiet", id: `${name}-text` }, about.description),
      struck,
    ),
    options,
    form,
    problem,
  );
}

function show(kind, row) {
  const mine = faults.filter((each) => each.kind === kind);
  row.toggle.setAttribute("aria-checked", String(mine.length > 0));
  row.toggle.closest(".fault-row").classList.toggle("is-on", mine.length > 0);
  row.struck.textContent = mine.map((each) => (mine.length > 1 ? `${words(each)}: ` : "") + tally(each)).join("; ");
  row.summary.textContent = words(mine[0] ?? given(row));
}

/** How often it struck, in words. */
function tally({ struck, met }) {
  if (!met) return "On, and not met yet";
  return struck === met ? `Struck ${struck === 1 ? "once" : `${struck} times`}` : `Struck ${struck} of ${met}`;
}

/** When it strikes, in words. */
function words(fault) {
  const parts = [
    fault.times ? `next ${fault.times}` : null,
    fault.probability !== undefined && fault.probability < 1 ? `${Math.round(fault.probability * 1000) / 10} %` : null,
    fault.path,
  ].filter(Boolean);
  return parts.join(", ") || "always";
}

/** What the fields say. */
function given({ form }) {
  const number = (name) => {
    const value = form.elements[name]?.value.trim();
    return value ? Number(value) : undefined;
  };
  const percent = number("probability");
  return {
    times: number("times"),
    probability: percent === undefined ? undefined : percent / 100,
    seconds: number("seconds"),
    status: number("status"),
    path: form.elements.path?.value.trim() || undefined,
  };
}

const switchedOn = (kind) => faults.filter((each) => each.kind === kind);

async function off(kind) {
  for (const fault of switchedOn(kind)) await remove(`faults/${fault.id}`);
}

function turn(row) {
  const { kind } = row.about;
  attempt(row.problem, async () => {
    if (switchedOn(kind).length) await off(kind);
    else await post("faults", { kind, ...given(row) });
    await refresh();
  });
}

/** Fields that are changed while it is on count at once. */
function change(row) {
  const { kind } = row.about;
  attempt(row.problem, async () => {
    if (!switchedOn(kind).length) return show(kind, row);
    await off(kind);
    await post("faults", { kind, ...given(row) });
    await refresh();
  });
}
