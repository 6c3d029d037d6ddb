// How an application is connected: the keys, and what to copy for a first call of each kind.

import { codeBlock, copyButton } from "./copy.js";
import { $, h } from "./dom.js";
import { t } from "./language.js";
import { on, phone, state } from "./state.js";

let shown = ""; // what is on the page by now

export function startConnect() {
  on("overview", show);
  on("overview", showFirstSteps);
  on("phone", showFirstSteps);
  on("phones", showFirstSteps);
  $("base-url").after(copyButton(t("connect.the_address"), () => state.overview?.base_url ?? ""));
}

function show() {
  const { base_url, api_key, client_id, client_secret, mailbox_key } = state.overview;
  const pairs = [
    [t("connect.base_url"), base_url],
    [t("connect.api_key"), api_key],
    [t("connect.client_id"), client_id],
    [t("connect.client_secret"), client_secret],
    [t("connect.mailbox_key"), mailbox_key],
  ];
  if (JSON.stringify(pairs) === shown) return;
  shown = JSON.stringify(pairs);
  $("base-url").textContent = base_url;
  $("credentials").replaceChildren(
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
  const blocks = {
    "connect-env": [t("connect.env_lines"), `${environment(state.overview)}\nSMSMOBILEAPI_MAILBOX_KEY=${mailbox_key}`],
    "connect-curl": [t("connect.curl_command"), curl(base_url, "sendsms/", { apikey: api_key, ...SMS })],
    "connect-python": [
      t("connect.python_example"),
      python(`client.sms.send("${SMS.recipients}", "Hello from Python")`),
    ],
    "connect-oauth2-env": [t("connect.oauth2_env_lines"), oauth2(state.overview)],
    "connect-oauth2-curl": [
      t("connect.oauth2_curl_command"),
      curl(base_url, "oauth2/token", { grant_type: "client_credentials", client_id, client_secret }),
    ],
    "connect-email-curl": [
      t("connect.email_curl_command"),
      curl(base_url, "sendemail/", { apikey: api_key, apikeybox: mailbox_key, ...EMAIL }),
    ],
    "connect-email-python": [t("connect.email_python_example"), python(...EMAIL_CALL)],
  };
  for (const [id, [what, text]] of Object.entries(blocks)) $(id).replaceChildren(codeBlock(what, text));
}

const SMS = { recipients: "+33639980011", message: "Hello from curl" };

const EMAIL = {
  sender_name: "Shop",
  sender_email: "shop@example.org",
  recipient_email: "guest@example.org",
  mail_subject: "Hello",
  mail_body: "Hello from curl",
  allow_self_signed: "no",
};

const EMAIL_CALL = [
  "client.email.send(",
  '    "guest@example.org",',
  '    "Hello",',
  '    "Hello from Python",',
  '    sender_email="shop@example.org",',
  '    sender_name="Shop",',
  ")",
];

const environment = ({ api_key, base_url }) => `SMSMOBILEAPI_API_KEY=${api_key}\nSMSMOBILEAPI_BASE_URL=${base_url}`;

const oauth2 = ({ client_id, client_secret }) =>
  [`SMSMOBILEAPI_CLIENT_ID=${client_id}`, `SMSMOBILEAPI_CLIENT_SECRET=${client_secret}`].join("\n");

const curl = (base_url, path, fields) =>
  [
    `curl ${base_url}/${path}`,
    ...Object.entries(fields).map(([name, value]) => `  --data-urlencode "${name}=${value}"`),
  ].join(" \\\n");

const python = (...lines) =>
  ["from smsmobile import SMSMobileClient", "", "client = SMSMobileClient.from_env()", ...lines].join("\n");

/** What the empty page teaches: the `.env` lines, and the first message through the phone that is shown. */
function showFirstSteps() {
  const { overview } = state;
  if (!overview || !state.phones.length) return;
  const isFirstPhone = state.phones[0].sid === state.phone;
  const device = isFirstPhone ? "" : `, device="${phone()?.sid}"`;
  const steps = JSON.stringify([environment(overview), device]);
  if ($("first-python").dataset.steps === steps) return;
  $("first-python").dataset.steps = steps;
  $("first-env").replaceChildren(codeBlock(t("connect.env_lines"), environment(overview)));
  $("first-python").replaceChildren(
    codeBlock(t("connect.python_example"), python(`client.sms.send("${SMS.recipients}", "Hello"${device})`)),
  );
}
