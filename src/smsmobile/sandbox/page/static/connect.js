// How an application is connected, and the sandbox's own switches: clock, subscription, tokens, and a fresh start.

import { attempt, get, post } from "./api.js";
import { announce } from "./announce.js";
import { codeBlock, copyButton } from "./copy.js";
import { confirmDialog } from "./dialogs.js";
import { $, h, reconcile } from "./dom.js";
import { on, phone, state, tell } from "./state.js";
import { learnNow, moved, now, stamp } from "./time.js";
import { changed, watch } from "./watch.js";

const ALL = ["accounts", "messages", "received", "requests", "deliveries", "phones"];

let view;

export function startConnect() {
  view = watch(ALL, refresh, undefined, 1000);
  setInterval(showClock, 1000);
  setInterval(view.touch, 15_000); // the clock can be moved by a test
  on("clock", () => {
    showClock();
    changed(null);
  });
  on("phone", showFirstSteps);
  for (const button of $("clock-buttons").querySelectorAll("button"))
    button.addEventListener("click", () => move(button.dataset));
  $("subscription").addEventListener("click", () =>
    account({ subscription_active: !state.overview.subscription_active }),
  );
  $("log-delay").addEventListener("change", () => account({ log_delay: $("log-delay").valueAsNumber || 0 }));
  $("token-lifetime").addEventListener("change", () => {
    const seconds = $("token-lifetime").valueAsNumber;
    account({ token_lifetime: Number.isNaN(seconds) ? null : seconds });
  });
  $("revoke").addEventListener("click", () =>
    attempt($("account-problem"), async () => {
      await post("account/revoke-tokens");
      announce("All tokens are revoked.");
    }),
  );
  $("reset").addEventListener("click", reset);
  $("clock-moved").addEventListener("click", () => tell("show", "connect"));
}

async function refresh() {
  const overview = await get("overview");
  const isFirst = state.overview === null;
  state.overview = overview;
  learnNow(overview.now);
  if (isFirst) drawOnce(overview);
  showAccount(overview);
  showClock();
  showFirstSteps();
  tell("overview");
}

function drawOnce(overview) {
  $("base-url").textContent = overview.base_url;
  $("base-url").after(copyButton("the address", () => overview.base_url));
  const pairs = [
    ["Base URL", overview.base_url],
    ["API key", overview.api_key],
    ["OAuth2 client id", overview.client_id],
    ["OAuth2 client secret", overview.client_secret],
  ];
  $("credentials").append(
    ...pairs.flatMap(([name, value]) => [
      h("dt", {}, name),
      h(
        "dd",
        {},
        h("code", {}, value),
        copyButton(name, () => value),
      ),
    ]),
  );
  $("connect-env").append(codeBlock(".env lines", environment(overview)));
  $("connect-curl").append(codeBlock("curl command", curl(overview)));
  reconcile(
    $("magic"),
    overview.magic_recipients,
    (each) => each.number,
    ({ number, description }) =>
      h(
        "tr",
        {},
        h(
          "td",
          { class: "number" },
          h("code", {}, number),
          copyButton(number, () => number),
        ),
        h("td", {}, description),
      ),
  );
  $("version").textContent = `smsmobile ${overview.version}`;
}

const environment = ({ api_key, base_url }) => `SMSMOBILEAPI_API_KEY=${api_key}\nSMSMOBILEAPI_BASE_URL=${base_url}`;

const curl = ({ api_key, base_url }) =>
  [
    `curl ${base_url}/sendsms/ \\`,
    `  --data-urlencode "apikey=${api_key}" \\`,
    `  --data-urlencode "recipients=+33639980011" \\`,
    `  --data-urlencode "message=Hello from curl"`,
  ].join("\n");

/** What the empty page teaches: the `.env` lines, and the first message through the phone that is shown. */
function showFirstSteps() {
  const { overview } = state;
  if (!overview || !state.phones.length) return;
  const isFirstPhone = state.phones[0].sid === state.phone;
  const device = isFirstPhone ? "" : `, device="${phone()?.sid}"`;
  const python = [
    "from smsmobile import SMSMobileClient",
    "",
    "client = SMSMobileClient.from_env()",
    `client.sms.send("+33639980011", "Hello"${device})`,
  ].join("\n");
  const steps = JSON.stringify([overview.base_url, device]);
  if ($("first-python").dataset.steps === steps) return;
  $("first-python").dataset.steps = steps;
  $("first-env").replaceChildren(codeBlock(".env lines", environment(overview)));
  $("first-python").replaceChildren(codeBlock("Python example", python));
}

function showAccount({ subscription_active, log_delay, token_lifetime, counts }) {
  $("subscription").setAttribute("aria-checked", String(subscription_active));
  $("subscription-text").textContent = subscription_active ? "Active" : "Expired";
  if (document.activeElement !== $("log-delay")) $("log-delay").value = log_delay;
  if (document.activeElement !== $("token-lifetime")) $("token-lifetime").value = token_lifetime ?? "";
  $("counts").textContent =
    `${counts.messages} messages accepted, ${counts.queued} queued, ${counts.received} received, ` +
    `${counts.requests} requests, ${counts.deliveries} deliveries.`;
}

function showClock() {
  const far = moved();
  $("clock-moved").hidden = !far;
  $("clock-moved-text").textContent = far;
  const moment = new Date(Math.floor(now() / 1000) * 1000).toISOString();
  $("clock").replaceChildren(
    stamp(moment, "both"),
    h("span", { class: "quiet" }, far ? ` ${far} from real time` : " real time"),
  );
}

function move({ forward }) {
  attempt($("clock-problem"), async () => {
    const answer = await post("clock", forward ? { forward: Number(forward) } : { reset: true });
    learnNow(answer.now);
    announce(forward ? "The clock was moved forward." : "The clock shows real time again.");
    tell("clock");
  });
}

function account(changes) {
  return attempt($("account-problem"), async () => {
    Object.assign(state.overview, await post("account", changes));
    showAccount(state.overview);
  });
}

function reset() {
  const text = "All messages, phones, requests, webhooks and faults are forgotten. The key and the address stay.";
  confirmDialog({ title: "Reset the sandbox?", text, action: "Reset everything" }, async () => {
    await post("reset");
    changed(null);
    announce("The sandbox is as at the start.");
  });
}
