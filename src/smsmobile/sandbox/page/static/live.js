// Hears of changes: by server-sent events, and where those are refused or break, by asking every second.

import { Refusal, Unreachable, get, server } from "./api.js";

const POLL = 1000; // milliseconds between two questions
const STREAM_AGAIN = 15_000; // milliseconds until events are tried again

/**
 * Calls `changed` with the names of the tables that changed, or with null where it can be anything, and `said` with
 * the state of the connection: "live", "polling" or "lost".
 */
export function listen(changed, said) {
  let version = null;
  let state = "";
  let source = null;
  let asking = null; // which run of ask() goes on; null while events come
  let retryAt = 0;

  function say(next) {
    if (next === state) return;
    const wasLost = state === "lost";
    state = next;
    said(next);
    if (wasLost) changed(null);
  }

  function hear(news) {
    if (news.version === version) return;
    // A lower version is another run of the sandbox: nothing that is shown need still be true.
    const names = version === null || news.version < version ? null : news.changed;
    version = news.version;
    changed(names);
  }

  function stream() {
    source = new EventSource("/_sandbox/live");
    source.addEventListener("change", (event) => {
      asking = null;
      say("live");
      hear(JSON.parse(event.data));
    });
    source.addEventListener("error", fallBack);
  }

  function fallBack() {
    source?.close();
    source = null;
    retryAt = Date.now() + STREAM_AGAIN;
    if (asking === null) ask();
  }

  async function ask() {
    const run = {};
    asking = run;
    while (run === asking) {
      try {
        const news = await get("changes", { since: version });
        if (run !== asking) return;
        if (state === "lost") retryAt = 0;
        say("polling");
        hear(news);
        if (source === null && Date.now() > retryAt) stream();
      } catch (error) {
        if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
        if (run === asking) say("lost");
      }
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }

  server.addEventListener("unreachable", () => asking === null && fallBack());
  stream();
}
