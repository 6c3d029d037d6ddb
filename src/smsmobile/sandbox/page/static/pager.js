// A log in pages of fifty: the newest page is kept up to date, older ones are looked at as they were.

import { get } from "./api.js";
import { $, allow, isAllowed, reconcile } from "./dom.js";
import { announce } from "./announce.js";
import { oneTabStop } from "./list.js";

const PAGE = 50;

/** The log at `path`, whose answer has its rows under `name`, drawn into the elements whose ids begin with `name`. */
export function logOf(path, name, draw) {
  const starts = []; // `before` of each page that was turned, the last is the one that is shown
  let oldest = null; // the last row that is shown
  let turning = false;

  async function refresh() {
    const before = starts.at(-1);
    const page = await get(path, { before, limit: PAGE });
    if (before !== starts.at(-1)) return refresh();
    reconcile($(`${name}-list`), page[name], (row) => row.id, draw);
    $(`${name}-empty`).hidden = page[name].length > 0 || starts.length > 0;
    $(`${name}-pager`).hidden = !page.more && starts.length === 0;
    oldest = page[name].at(-1)?.id;
    allow($(`${name}-newer`), starts.length > 0);
    allow($(`${name}-older`), page.more);
    $(`${name}-page`).textContent = starts.length ? `Page ${starts.length + 1}` : "Newest";
  }

  async function turn(change) {
    if (turning) return;
    turning = true;
    change();
    try {
      await refresh();
      $(`${name}-list`).closest("[role=tabpanel]").scrollTop = 0;
      announce($(`${name}-page`).textContent);
    } catch {
      // the banner says that the sandbox does not answer
    } finally {
      turning = false;
    }
  }

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
