// Making and updating elements. Data becomes text nodes and attributes only; nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** An element: `h("p", {class: "note", onclick: f}, "text", child)`. Children that are null or false are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  if (tag === "code" || tag === "pre") element.translate = false;
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A drawing from the sprite in index.html. It says nothing to a screen reader: there is always text beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A short text in a frame, with a drawing if one is named. */
export function badge(text, kind = "", drawing = null) {
  return h("span", { class: `badge ${kind}` }, drawing && icon(drawing), text);
}

/** Whether a button may be pressed. One that may not keeps the focus, which a disabled one would lose. */
export function allow(button, allowed) {
  button.setAttribute("aria-disabled", String(!allowed));
}

export const isAllowed = (button) => button.getAttribute("aria-disabled") !== "true";

const prints = new WeakMap();

/**
 * Make the children of `parent` be `items`, in order. Only what is new or has changed is rendered (again); an element
 * that is replaced hands on whether it was open and which of its buttons had the focus.
 */
export function reconcile(parent, items, keyOf, render) {
  const old = new Map();
  for (const element of parent.children) old.set(element.dataset.key, element);
  const keys = items.map((item) => String(keyOf(item)));
  const wanted = new Set(keys);
  for (const [key, element] of old) if (!wanted.has(key)) drop(element);
  let place = parent.firstElementChild;
  items.forEach((item, index) => {
    const print = JSON.stringify(item);
    let element = old.get(keys[index]);
    if (!element || prints.get(element) !== print) {
      const fresh = render(item);
      fresh.dataset.key = keys[index];
      prints.set(fresh, print);
      if (element) {
        if (place === element) place = fresh;
        replace(element, fresh);
      }
      element = fresh;
    }
    if (element === place) place = place.nextElementSibling;
    else keepingFocus(element, () => parent.insertBefore(element, place));
  });
}

/** Remove an element. If it had the focus, what it stood in gets it, so that Tab goes on from there. */
function drop(element) {
  const place = element.contains(document.activeElement) ? element.closest("[tabindex]") : null;
  element.remove();
  place?.focus({ preventScroll: true });
}

function replace(element, fresh) {
  const open = element.querySelector("details")?.open;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  element.replaceWith(fresh);
  const details = fresh.querySelector("details");
  if (open && details) {
    details.open = true;
    details.dispatchEvent(new Event("toggle")); // the browser tells it too late for the focus
  }
  if (!focused) return;
  const name = focused.dataset.focus;
  const heir = name ? fresh.querySelector(`[data-focus="${CSS.escape(name)}"]`) : null;
  (heir ?? fresh.querySelector("summary, button") ?? fresh).focus({ preventScroll: true });
}

function keepingFocus(element, move) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  move();
  focused?.focus({ preventScroll: true });
}
