// A log in pages of fifty: the newest page is kept up to date, older ones are looked at as they were.

import { get } from "./api.js";
import { $, allow, h, isAllowed, reconcile } from "./dom.js";
import { announce } from "./announce.js";
import { count, t } from "./language.js";
import { oneTabStop } from "./list.js";
import { on } from "./state.js";

const PAGE = 50;

/**
 * The log at `path`, whose answer has its rows under `name`, drawn into the elements whose ids begin with `name`.
 * `filter` says which rows are wanted. While a row of the newest page is open, later ones wait behind a button.
 */
export function logOf(path, name, draw, filter = () => ({})) {
  const list = $(`${name}-list`);
  const waiting = h("button", { type: "button", class: "button small log-new", hidden: true, onclick: showNewest });
  list.before(waiting);
  list.addEventListener("toggle", () => !waiting.hidden && !openRow() && showNewest(), true);
  const starts = []; // `before` of each page that was turned, the last is the one that is shown
  let oldest = null; // the last row that is shown
  let turning = false;
  let filtered = ""; // how the rows that are shown were chosen
  let jumped = false; // whether an older page was gone to, and not turned to
  let first = null; // the newest row that is shown on the newest page

  const openRow = () => list.querySelector("details[open]");

  async function refresh() {
    const chosen = filter();
    const isSame = JSON.stringify(chosen) === filtered;
    if (!isSame) starts.length = 0;
    filtered = JSON.stringify(chosen);
    const start = starts.at(-1);
    const isHeld = isSame && start === undefined && first !== null && openRow() !== null;
    let page = await get(path, { ...chosen, before: start, limit: PAGE });
    const later = isHeld ? page[name].filter((row) => row.id > first).length : 0;
    if (later) page = await get(path, { ...chosen, before: first + 1, limit: PAGE });
    if (start !== starts.at(-1) || JSON.stringify(filter()) !== filtered) return refresh();
    if (!page[name].length && (start !== undefined || isHeld)) {
      starts.length = 0; // what was shown is not remembered any more
      first = null;
      return refresh();
    }
    waiting.hidden = later === 0;
    waiting.textContent = later === PAGE ? t("pager.new_or_more", { count: later }) : count("pager.new", later);
    reconcile(list, page[name], (row) => row.id, draw);
    if (start === undefined) first = page[name][0]?.id ?? null;
    const isFiltered = Object.values(chosen).some(Boolean);
    $(`${name}-empty`).hidden = page[name].length > 0 || starts.length > 0 || isFiltered;
    const none = $(`${name}-none`);
    if (none) none.hidden = page[name].length > 0 || !isFiltered;
    $(`${name}-pager`).hidden = !page.more && starts.length === 0;
    jumped &&= starts.length > 0;
    oldest = page[name].at(-1)?.id;
    allow($(`${name}-newer`), starts.length > 0);
    allow($(`${name}-older`), page.more);
    $(`${name}-page`).textContent = pageName();
    return page;
  }

  function pageName() {
    if (!starts.length) return t("pager.newest");
    return jumped ? t("pager.older") : t("pager.page", { number: starts.length + 1 });
  }

  const rowOf = (id) => list.querySelector(`:scope > [data-key="${id}"]`);

  /** Open one row, on whichever page it is. */
  async function reveal(id) {
    starts.length = 0;
    jumped = false;
    first = null;
    await turn(() => {});
    if (!rowOf(id)) {
      jumped = true;
      await turn(() => starts.push(id + 1));
    }
    const details = rowOf(id)?.querySelector("details");
    if (!details) return announce(t("pager.forgotten"));
    details.open = true;
    details.querySelector("summary").focus();
    details.scrollIntoView({ block: "nearest" });
  }

  function showNewest() {
    first = null;
    turn(() => {});
  }

  async function turn(change) {
    if (turning) return;
    turning = true;
    change();
    try {
      await refresh();
      list.closest("[role=tabpanel]").scrollTop = 0;
      announce($(`${name}-page`).textContent);
    } catch {
      // the banner says that the sandbox does not answer
    } finally {
      turning = false;
    }
  }

  on("row", ({ log, id }) => log === name && reveal(id));
  oneTabStop($(`${name}-list`), "summary");
  $(`${name}-older`).addEventListener("click", () => isAllowed($(`${name}-older`)) && turn(() => starts.push(oldest)));
  $(`${name}-newer`).addEventListener("click", () => isAllowed($(`${name}-newer`)) && turn(() => starts.pop()));
  return refresh;
}

/** JSON with indents; anything else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
