// The account and the sandbox's own switches: clock, subscription, delays, tokens, and a fresh start. What the sandbox
// says of itself is asked for here, for the whole page.

import { announce } from "./announce.js";
import { Refusal, attempt, get, post } from "./api.js";
import { confirmDialog, whyNot } from "./dialogs.js";
import { $, h } from "./dom.js";
import { count, t } from "./language.js";
import { on, state, tell } from "./state.js";
import { learnNow, moved, now, stamp } from "./time.js";
import { changed, watch } from "./watch.js";

const ALL = ["accounts", "messages", "received", "requests", "deliveries", "phones"];

export function startAccount() {
  const view = watch(ALL, refresh, undefined, 1000);
  setInterval(showClock, 1000);
  setInterval(view.touch, 15_000); // the clock can be moved by a test
  on("clock", () => {
    showClock();
    changed(null);
  });
  for (const button of $("clock-buttons").querySelectorAll("button"))
    button.addEventListener("click", () => move(button.dataset));
  $("subscription").addEventListener("click", () =>
    change({ subscription_active: !state.overview.subscription_active }),
  );
  $("log-delay").addEventListener("change", () =>
    change({ log_delay: $("log-delay").valueAsNumber || 0 }, whyNot($("log-delay"))),
  );
  $("token-lifetime").addEventListener("change", () => {
    const seconds = $("token-lifetime").valueAsNumber;
    change({ token_lifetime: Number.isNaN(seconds) ? null : seconds }, whyNot($("token-lifetime")));
  });
  $("revoke").addEventListener("click", () =>
    attempt($("account-problem"), async () => {
      await post("account/revoke-tokens");
      announce(t("account.revoked"));
    }),
  );
  $("reset").addEventListener("click", reset);
  for (const id of ["clock-moved", "subscription-over"]) $(id).addEventListener("click", () => tell("show", "account"));
}

async function refresh() {
  state.overview = await get("overview");
  learnNow(state.overview.now);
  show(state.overview);
  showClock();
  tell("overview");
}

function show({ subscription_active, log_delay, token_lifetime, counts, version }) {
  $("subscription").setAttribute("aria-checked", String(subscription_active));
  $("subscription-text").textContent = t(subscription_active ? "subscription.active" : "subscription.expired");
  $("subscription-over").hidden = subscription_active;
  if (document.activeElement !== $("log-delay")) $("log-delay").value = log_delay;
  if (document.activeElement !== $("token-lifetime")) $("token-lifetime").value = token_lifetime ?? "";
  const kept = [
    count("account.messages", counts.messages),
    t("account.queued", { count: counts.queued }),
    count("account.received", counts.received),
    count("account.requests", counts.requests),
    count("account.deliveries", counts.deliveries),
  ];
  $("counts").textContent = `${kept.join(", ")}.`;
  $("version").textContent = `smsmobile ${version}`;
}

function showClock() {
  const far = moved();
  $("clock-moved").hidden = !far;
  $("clock-moved-text").textContent = far;
  const moment = new Date(Math.floor(now() / 1000) * 1000).toISOString();
  $("clock").replaceChildren(
    stamp(moment, "both"),
    h("span", { class: "quiet" }, ` ${far ? t("clock.from_real", { span: far }) : t("clock.real")}`),
  );
}

function move({ forward }) {
  attempt($("clock-problem"), async () => {
    const answer = await post("clock", forward ? { forward: Number(forward) } : { reset: true });
    learnNow(answer.now);
    announce(t(forward ? "clock.forward" : "clock.reset"));
    tell("clock");
  });
}

/** Change something of the account, unless a reason tells why not. */
function change(changes, reason = "") {
  return attempt($("account-problem"), async () => {
    if (reason) throw new Refusal(reason);
    Object.assign(state.overview, await post("account", changes));
    show(state.overview);
  });
}

function reset() {
  const text = t("account.reset_about");
  confirmDialog({ title: t("account.reset_title"), text, action: t("account.reset_action") }, async () => {
    await post("reset");
    changed(null);
    announce(t("account.was_reset"));
  });
}
