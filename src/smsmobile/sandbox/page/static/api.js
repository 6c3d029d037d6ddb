// The page's calls to the sandbox's JSON endpoints. What goes wrong becomes an error whose message is for the reader.

import { t, translated } from "./language.js";

const TIMEOUT = 10_000; // milliseconds

/** The sandbox said no; the message is its sentence. Where that is none of the page's language, `lang` says which. */
export class Refusal extends Error {
  lang = null;
}

function refusalOf(sentence) {
  const known = translated(sentence);
  return Object.assign(new Refusal(known ?? sentence), { lang: known === null ? "en" : null });
}

/** The sandbox did not answer. */
export class Unreachable extends Error {}

/** Tells whoever listens for "unreachable". */
export const server = new EventTarget();

async function call(method, path, body) {
  let response;
  let answer;
  try {
    response = await fetch(`/_sandbox/${path}`, {
      method,
      cache: "no-store",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    answer = await response.text();
  } catch {
    server.dispatchEvent(new Event("unreachable"));
    throw new Unreachable(t("connection.unreachable"));
  }
  let json = null;
  try {
    json = JSON.parse(answer);
  } catch {
    // not from an endpoint of ours
  }
  if (!response.ok || json === null)
    throw json?.error ? refusalOf(json.error) : new Refusal(t("connection.status", { status: response.status }));
  return json;
}

/** The path with its query: parameters that are null or empty are left out. */
function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `${path}?${query}` : path;
}

/** `get("thread", {phone, peer})`. */
export const get = (path, parameters = {}) => call("GET", withQuery(path, parameters));

export const post = (path, body = {}) => call("POST", path, body);

export const put = (path, body) => call("PUT", path, body);

export const remove = (path, parameters = {}) => call("DELETE", withQuery(path, parameters));

/** Forget what could not be done because the sandbox did not answer. */
export function forgetAway() {
  for (const place of document.querySelectorAll("[data-away]")) place.textContent = "";
}

/** Do something, and show in `place` why it did not work; whether it worked. */
export async function attempt(place, action) {
  place.textContent = "";
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    place.textContent = error.message;
    if (error.lang) place.lang = error.lang;
    else place.removeAttribute("lang");
    place.toggleAttribute("data-away", error instanceof Unreachable);
    return false;
  }
}
