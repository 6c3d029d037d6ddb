// The phones: which one is shown, its SID, battery, switch and name, adding one more and removing one.

import { attempt, get, post, remove } from "./api.js";
import { copyButton } from "./copy.js";
import { confirmDialog, openDialog } from "./dialogs.js";
import { $, h } from "./dom.js";
import { t } from "./language.js";
import { choosePhone, on, phone, state, tell } from "./state.js";
import { isReading, shortCount } from "./unread.js";
import { watch } from "./watch.js";

const SHOWN = ["phones", "messages", "received", "by_hand", "calls", "seen"];
const LOW = 15; // percent of the battery

export function startPhones() {
  $("phone").addEventListener("change", (event) => choosePhone(event.target.value));
  $("phone-on").addEventListener("click", turn);
  $("phone-add").addEventListener("click", add);
  $("phone-settings").addEventListener("click", settings);
  $("phone-sid").after(copyButton(t("phone.the_sid"), () => state.phone ?? ""));
  const view = watch(SHOWN, refresh, undefined, undefined, true);
  on("phone", () => {
    show();
    view.touch();
  });
  on("reading", view.touch);
}

async function refresh() {
  const { phones } = await get("phones", isReading() ? { phone: state.phone, peer: state.peer } : {});
  state.phones = phones;
  if (!phone()) choosePhone(phones[0].sid);
  show();
  tell("phones");
}

function show() {
  const shown = phone();
  if (!shown) return;
  const select = $("phone");
  const options = state.phones.map((each) => [each.sid, labelOf(each)]);
  if (select.dataset.options !== JSON.stringify(options)) {
    select.replaceChildren(...options.map(([value, label]) => h("option", { value }, label)));
    select.dataset.options = JSON.stringify(options);
  }
  select.value = shown.sid;
  $("phone-sid").textContent = shown.sid;
  $("phone-on").setAttribute("aria-checked", String(shown.is_on));
  $("phone-on-text").textContent = t(shown.is_on ? "phone.on" : "phone.off");
  $("phone-battery").textContent = `${shown.battery} %`;
  $("phone-battery-level").setAttribute("width", String((14 * shown.battery) / 100));
  $("phone-bar").classList.toggle("is-off", !shown.is_on);
  $("phone-bar").classList.toggle("is-low", shown.battery < LOW);
  const facts = [
    !shown.is_on && t("phone.refuses"),
    shown.queued && t("phone.queued", { count: shown.queued }),
    shown.delay && t("phone.sends_after", { seconds: shown.delay }),
  ];
  $("phone-facts").textContent = facts.filter(Boolean).join(" · ");
}

/** Its name, and where it is not the one that is shown, how much is unread on it. */
const labelOf = ({ sid, label, unseen }) =>
  sid === state.phone || !unseen ? label : t("phone.label_unread", { label, count: shortCount(unseen) });

function turn() {
  attempt($("phone-problem"), async () => {
    if (!phone()) await refresh();
    await post(`phones/${state.phone}`, { is_on: !phone().is_on });
    await refresh();
  });
}

function add() {
  openDialog("add-phone", async (form) => {
    const added = await post("phones", { label: form.elements.label.value });
    await refresh();
    choosePhone(added.sid);
  });
}

function settings() {
  const shown = phone();
  if (!shown) return;
  openDialog(
    "phone-dialog",
    async ({ elements }) => {
      await post(`phones/${shown.sid}`, {
        label: elements.label.value,
        battery: elements.battery.valueAsNumber,
        delay: elements.delay.valueAsNumber,
      });
      await refresh();
    },
    ({ elements }) => {
      elements.label.value = shown.label;
      elements.battery.value = shown.battery;
      elements.delay.value = shown.delay;
      $("phone-dialog-sid").textContent = shown.sid;
      $("phone-remove").onclick = () => removeIt(shown);
    },
  );
}

function removeIt({ sid, label }) {
  $("phone-dialog").close();
  const text = t("phone.remove_about", { label });
  confirmDialog({ title: t("phone.remove_title"), text, action: t("phone.remove_action") }, async () => {
    await remove(`phones/${sid}`);
    await refresh();
  });
}
