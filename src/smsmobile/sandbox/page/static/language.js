// The language of the page: the one that was chosen, else the first of the browser's that there is, else English. Its
// texts are in strings-en.js and strings-fr.js, under the same keys; what the sandbox itself says in English is in the
// latter only.

import { $, h } from "./dom.js";
import en from "./strings-en.js";
import fr from "./strings-fr.js";

const LANGUAGES = {
  en: { name: "English", locale: "en-GB", strings: en },
  fr: { name: "Français", locale: "fr-FR", strings: fr },
};
const ATTRIBUTES = ["title", "aria-label", "placeholder"];

const language = chosen();
const { locale, strings } = LANGUAGES[language];
const PLURALS = new Intl.PluralRules(locale);
const NUMBERS = new Intl.NumberFormat(locale, { maximumFractionDigits: 4 });
const SENTENCES = Object.keys(strings)
  .filter((key) => key.startsWith("said."))
  .map((key) => [patternOf(key.slice("said.".length)), key]);

/** How dates, times and numbers are written. */
export { locale };

function chosen() {
  const wanted = [remembered(), ...navigator.languages.map((each) => each.slice(0, 2).toLowerCase())];
  return wanted.find((each) => Object.hasOwn(LANGUAGES, each)) ?? "en";
}

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is switched off
  }
}

/** The text of this key, with the values in place of their names in braces. */
export const t = (key, values = {}) => strings[key].replace(/\{(\w+)\}/g, (_, name) => written(values[name]));

const written = (value) => (typeof value === "number" ? NUMBERS.format(value) : value);

/** The same for so many, as `{count}`: the text depends on the number. */
export function count(key, number, values = {}) {
  const form = PLURALS.select(number) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { ...values, count: number });
}

/** The same as children of an element: values can be elements, and what stands in backticks is code. */
export function nodes(key, values = {}) {
  const parts = strings[key].split(/(\{\w+\}|`[^`]+`)/);
  return parts.map((part) => {
    if (part.startsWith("{")) return values[part.slice(1, -1)];
    return part.startsWith("`") ? h("code", {}, part.slice(1, -1)) : part;
  });
}

/** What the sandbox says in English, in the language of the page where that has a text for it. */
export const said = (key, english) => strings[key] ?? english;

/** A whole sentence that the sandbox says in English; null where the language of the page has none for it. */
export function translated(sentence) {
  for (const [pattern, key] of SENTENCES) {
    const found = pattern.exec(sentence);
    if (found) return t(key, found.groups);
  }
  return null;
}

/** What is said like this, whatever the values are. */
function patternOf(text) {
  const parts = text.split(/\{(\w+)\}/);
  const parted = parts.map((part, index) => (index % 2 ? `(?<${part}>.+)` : part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${parted.join("")}$`);
}

/** Write the texts of index.html, and let a button change the language. */
export function startLanguage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) element.replaceChildren(...nodes(element.dataset.t));
  for (const name of ATTRIBUTES)
    for (const element of document.querySelectorAll(`[data-t-${name}]`))
      element.setAttribute(name, t(element.getAttribute(`data-t-${name}`)));
  const other = language === "fr" ? "en" : "fr";
  const { name } = LANGUAGES[other];
  const button = $("language");
  button.lang = other;
  button.textContent = other.toUpperCase();
  button.title = name;
  button.setAttribute("aria-label", `${other.toUpperCase()}: ${name}`);
  button.addEventListener("click", () => change(other));
}

/** The page begins anew, at the same place. */
function change(other) {
  try {
    localStorage.setItem("language", other);
  } catch {
    return; // storage is switched off: it would be forgotten at once
  }
  location.reload();
}
