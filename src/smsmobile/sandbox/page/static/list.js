// A list that is one place in the tab order: arrow keys, Home and End move between its rows.

/** Make it of `list`, in each of whose rows `selector` finds what takes the focus; `first` is the row to begin with. */
export function oneTabStop(list, selector, first = 0) {
  const stops = () => [...list.querySelectorAll(selector)];
  let focused = null;

  /** Tab arrives at the row that has the focus, else at the chosen one, else at the first. */
  function settle() {
    const all = stops();
    const keyOf = (stop) => stop.closest("[data-key]").dataset.key;
    const here = all.find((stop) => keyOf(stop) === focused) ?? all.find((stop) => stop.ariaCurrent) ?? all.at(first);
    for (const stop of all) stop.tabIndex = stop === here ? 0 : -1;
  }

  list.addEventListener("focusin", (event) => {
    focused = event.target.closest("[data-key]")?.dataset.key ?? null;
    settle();
  });
  list.addEventListener("focusout", (event) => {
    if (!event.relatedTarget || list.contains(event.relatedTarget)) return;
    focused = null;
    settle();
  });
  list.addEventListener("keydown", (event) => {
    const all = stops();
    const here = all.indexOf(event.target);
    const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (here === -1 || !all[there]) return;
    event.preventDefault();
    all[there].focus();
  });
  new MutationObserver(settle).observe(list, { childList: true, subtree: true, attributeFilter: ["aria-current"] });
}
