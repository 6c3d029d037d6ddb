// Who is refreshed when. A view names the tables it shows; it is refreshed soon after they change, a few times a
// second at most, never twice at once, and only while it can be seen.

import { Refusal, Unreachable } from "./api.js";

const GAP = 250; // milliseconds between two refreshes of a view

const views = new Set();

const isInFront = () => !document.hidden;

/**
 * A view over `tables`. `refresh` is called (and awaited) when they may have changed, the page is in front and
 * `isShown()`. A view that is also shown `behind`, where the page is not in front, is refreshed there as well.
 */
export function watch(tables, refresh, isShown = () => true, gap = GAP, behind = false) {
  const view = { tables, dirty: false, running: false, again: false, timer: null, last: -Infinity };

  async function run() {
    view.timer = null;
    if (!view.dirty || view.running || !(behind || isInFront()) || !isShown()) return;
    view.dirty = false;
    view.running = true;
    view.last = performance.now();
    try {
      await refresh();
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
      view.dirty = true; // it is tried again with the next change, or when the sandbox answers again
    } finally {
      view.running = false;
      if (view.again) view.touch();
    }
  }

  view.touch = () => {
    view.dirty = true;
    view.again = view.running;
    if (view.timer !== null || view.running) return;
    view.timer = setTimeout(run, Math.max(0, view.last + gap - performance.now()));
  };
  views.add(view);
  return view;
}

/** These tables have changed; null: anything may have. */
export function changed(names) {
  for (const view of views) {
    if (names === null || view.tables.some((table) => names.includes(table))) view.touch();
  }
}

document.addEventListener("visibilitychange", () => {
  if (isInFront()) for (const view of views) if (view.dirty) view.touch();
});
