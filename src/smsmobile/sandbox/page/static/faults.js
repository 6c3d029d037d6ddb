// Fault injection: a switch for each kind, and beside it how often, how likely and how long. A fault that is on is shown
// as the sandbox has it, but for what is being typed; of one that is off, the fields keep what they last showed.

import { attempt, get, post, put, remove } from "./api.js";
import { $, allow, h, icon, isAllowed } from "./dom.js";
import { count, said, t } from "./language.js";
import { on, state } from "./state.js";
import { watch } from "./watch.js";

const GROUPS = { request: t("faults.request"), account: t("faults.account"), webhook: t("faults.webhook") };
const NOUNS = { request: "request", account: "request", webhook: "webhook" };

let faults = [];
let asked = 0; // how many times the sandbox was asked for them,
let known = 0; // and which of its answers they are
let view;
const rows = [];

export function startFaults() {
  on("overview", draw);
  view = watch(["faults"], load);
  on("tab", view.touch);
  $("faults-off").addEventListener("click", () => isAllowed($("faults-off")) && allOff());
}

function allOff() {
  attempt($("faults-problem"), async () => {
    await remove("faults");
    await load();
  });
}

async function load() {
  const number = ++asked;
  const answer = await get("faults");
  if (number < known) return;
  known = number;
  faults = answer.faults;
  rows.forEach(show);
  allow($("faults-off"), faults.length > 0);
  $("faults-count").textContent = faults.length ? String(faults.length) : "";
  $("faults-count").hidden = faults.length === 0;
  $("faults-count-text").textContent = faults.length ? count("faults.switched_on", faults.length) : "";
}

function draw() {
  if (rows.length) return;
  for (const [group, title] of Object.entries(GROUPS)) {
    const kinds = state.overview.fault_kinds.filter((each) => each.group === group);
    const list = h("ul", { class: "faults" }, ...kinds.map(rowOf));
    $("fault-groups").append(h("section", { class: "fault-group" }, h("h3", {}, title), list));
  }
  view.touch();
}

/** What can be set of a kind: how it is shown and sent, and what else it may be than empty. */
function fieldsOf(about) {
  const own = (name) => ({
    shown: (fault) => fault[name],
    given: (text) => (text ? Number(text) : null),
    placeholder: about[name],
  });
  return [
    {
      name: "times",
      label: t(`faults.times_${NOUNS[about.group]}`),
      limits: { min: 1, step: 1 },
      placeholder: t(`faults.all_${NOUNS[about.group]}`),
      shown: (fault) => (fault.times === null ? "" : fault.injected + fault.times),
      given: (text, fault) => (text ? Number(text) - (fault?.injected ?? 0) : null),
    },
    {
      name: "probability",
      label: t("faults.probability"),
      limits: { min: 0, max: 100, step: "any" },
      placeholder: "100",
      shown: (fault) => percent(fault.probability),
      given: (text) => (text ? Number(text) / 100 : 1),
    },
    about.seconds !== null && {
      name: "seconds",
      label: t("faults.seconds"),
      limits: { min: 0, max: 3600, step: "any" },
      ...own("seconds"),
    },
    about.status !== null && {
      name: "status",
      label: t("faults.status"),
      limits: { min: 500, max: 599, step: 1 },
      ...own("status"),
    },
    about.group !== "webhook" && {
      name: "path",
      label: t("faults.path"),
      shown: (fault) => fault.path ?? "",
      given: (text) => text || null,
    },
  ].filter(Boolean);
}

const titleOf = ({ kind, title }) => said(`fault.${kind}`, title);

const percent = (probability) => Math.round(probability * 1e6) / 1e4;

function inputOf({ name, limits, placeholder }) {
  if (limits) return h("input", { type: "number", name, inputmode: "decimal", placeholder, ...limits });
  const paths = state.overview.fault_paths.map((path) => h("option", {}, path));
  return h("select", { name }, h("option", { value: "" }, t("faults.any")), ...paths);
}

function rowOf(about) {
  const name = `fault-${about.kind}`;
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
  const fields = fieldsOf(about).map((field) => ({ ...field, input: inputOf(field), edited: false }));
  const labels = fields.map(({ label, input, limits }) =>
    h("label", { class: limits ? "" : "wide" }, h("span", {}, label), input),
  );
  const form = h("form", { class: "fault-options", id: `${name}-options`, hidden: true, novalidate: true }, labels);
  const title = h("p", { class: "fault-title", id: `${name}-title` }, titleOf(about));
  const named = h("span", { class: "unseen" });
  const summary = h("span", {});
  const options = h(
    "button",
    {
      type: "button",
      class: "fault-how",
      "aria-expanded": "false",
      "aria-controls": form.id,
      title: t("faults.how"),
    },
    named,
    summary,
    icon("down"),
  );
  const counts = h("p", { class: "fault-counts" });
  const problem = h("p", { class: "problem", id: `${name}-problem`, role: "alert" });
  const row = {
    about,
    toggle,
    options,
    form,
    title,
    named,
    summary,
    counts,
    problem,
    fields,
    doing: Promise.resolve(),
  };
  rows.push(row);
  toggle.addEventListener("click", (event) => event.detail < 2 && turn(row)); // the second of a double click is none
  options.addEventListener("click", () => expand(row, form.hidden));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of fields) {
    field.input.addEventListener("input", () => {
      field.edited = true;
      if (field.input.getAttribute("aria-invalid") === "true" && !wrong(field)) complain(row);
    });
    field.input.addEventListener("change", () => change(row, field));
  }
  const text = h("p", { class: "quiet", id: `${name}-text` }, said(`fault.${about.kind}.about`, about.description));
  return h(
    "li",
    { class: "fault-row" },
    toggle,
    h("div", { class: "fault-about" }, title, text, counts),
    options,
    form,
    problem,
  );
}

function expand({ options, form }, isExpanded) {
  form.hidden = !isExpanded;
  options.setAttribute("aria-expanded", String(isExpanded));
}

const switchedOn = ({ about }) => faults.filter((each) => each.kind === about.kind);

function show(row) {
  const mine = switchedOn(row);
  const [fault] = mine;
  for (const field of row.fields) {
    if (field.name === "times") field.input.min = (fault?.injected ?? 0) + 1;
    if (fault && !field.edited) field.input.value = field.shown(fault);
  }
  const { about, toggle } = row;
  const shown = fault ?? given(row);
  toggle.setAttribute("aria-checked", String(mine.length > 0));
  toggle.closest(".fault-row").classList.toggle("is-on", mine.length > 0);
  row.title.textContent = titleOf(about).replace(String(about.status), shown.status ?? about.status);
  row.named.textContent = `${t("message.labelled", { label: row.title.textContent })} `;
  row.summary.textContent = when(shown);
  const counts = mine.map((each) => {
    const injected = counted(each, NOUNS[about.group]);
    return mine.length > 1 ? `${t("message.labelled", { label: when(each) })} ${injected}` : injected;
  });
  row.counts.textContent = counts.join("; ");
}

/** When it is injected, in words. */
function when({ times, injected = 0, probability, path }) {
  const parts = [
    times && t("faults.first", { number: injected + times }),
    probability !== undefined && probability < 1 && t("faults.percent", { number: percent(probability) }),
    path,
  ];
  return parts.filter(Boolean).join(", ") || t("faults.always");
}

/** How often it was injected, in words. */
function counted({ injected, matched }, noun) {
  return matched ? count(`faults.injected_${noun}`, matched, { injected }) : t(`faults.none_${noun}`);
}

/** What the fields say. */
function given(row) {
  const said = row.fields.filter((field) => field.input.value && !wrong(field));
  return Object.fromEntries(said.map((field) => [field.name, field.given(field.input.value)]));
}

/** What is wrong with the value of a field, in a sentence; empty where nothing is. */
function wrong({ label, input }) {
  if (input.validity.valid) return "";
  const expected = `${input.step === "1" ? "whole" : "any"}_${input.max ? "range" : "least"}`;
  return t(`faults.expected_${expected}`, { label, min: input.min, max: input.max });
}

/** Say at the fields of a row what is wrong there, and return the first such field: this one, if it is among them. */
function complain(row, preferred) {
  for (const field of row.fields) {
    const isWrong = wrong(field) !== "";
    field.input.setAttribute("aria-invalid", String(isWrong));
    field.input.setAttribute("aria-describedby", isWrong ? row.problem.id : "");
  }
  const first = preferred && wrong(preferred) ? preferred : row.fields.find(wrong);
  row.problem.textContent = first ? wrong(first) : "";
  return first;
}

/** Do something about a kind as soon as what was begun before is done, with its faults as they are by then. */
function act(row, action) {
  const run = async () => {
    await load();
    await action(switchedOn(row));
    await load();
  };
  row.doing = row.doing.catch(() => {}).then(async () => (await attempt(row.problem, run)) && complain(row));
  return row.doing;
}

function turn(row) {
  const isWanted = !switchedOn(row).length;
  const bad = isWanted && complain(row);
  if (bad) {
    expand(row, true);
    bad.input.focus();
    return;
  }
  act(row, async (mine) => {
    if (!isWanted) for (const fault of mine) await remove(`faults/${fault.id}`);
    else if (!mine.length) await put("faults", { kind: row.about.kind, ...given(row) });
  });
}

/** A field that is changed while the fault is on counts at once, and changes nothing else. */
function change(row, field) {
  const { name, input } = field;
  if (complain(row, field) === field) {
    setTimeout(() => input.focus()); // Tab goes on after this
    return;
  }
  const text = input.value;
  act(row, async ([fault]) => {
    if (wrong(field)) return; // by now
    if (fault) await post(`faults/${fault.id}`, { [name]: field.given(text, fault) });
    field.edited = input.value !== text;
  });
}
