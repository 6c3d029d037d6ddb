// Puts the page together: starts its parts, hears of changes, and decides which part a narrow page shows.

import { startAccount } from "./account.js";
import { startAddress } from "./address.js";
import { announce, startAnnouncer } from "./announce.js";
import { forgetAway } from "./api.js";
import { startComposer } from "./composer.js";
import { startConnect } from "./connect.js";
import { startConversations } from "./conversations.js";
import { startDeliveries } from "./deliveries.js";
import { startDetails } from "./details.js";
import { $ } from "./dom.js";
import { startFaults } from "./faults.js";
import { startLanguage, t } from "./language.js";
import { listen } from "./live.js";
import { startMagic } from "./magic.js";
import { startPhones } from "./phones.js";
import { startRequests } from "./requests.js";
import { startSchedule } from "./schedule.js";
import { on, state, tell } from "./state.js";
import { select, startTabs } from "./tabs.js";
import { startTime } from "./time.js";
import { startThread } from "./thread.js";
import { startUnread } from "./unread.js";
import { changed } from "./watch.js";
import { startWebhooks } from "./webhooks.js";

const CONNECTION = {
  live: [t("connection.live"), t("connection.live_about")],
  polling: [t("connection.polling"), t("connection.polling_about")],
  lost: [t("connection.lost"), t("connection.lost_about")],
};

function said(connection) {
  const [text, title] = CONNECTION[connection];
  $("connection").dataset.state = connection;
  $("connection").title = title;
  $("connection-text").textContent = text;
  const isLost = connection === "lost";
  if ($("banner").hidden === isLost) announce(t(isLost ? "connection.is_lost" : "connection.is_back"));
  $("banner").hidden = !isLost;
  if (!isLost) forgetAway();
}

function showView(name) {
  document.body.dataset.view = name;
  for (const button of $("views").querySelectorAll("button")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  tell("view", name);
}

function startViews() {
  for (const button of $("views").querySelectorAll("button"))
    button.addEventListener("click", () => showView(button.dataset.view));
  $("thread-back").addEventListener("click", () => {
    showView("list");
    const open = $("conversation-list").querySelector("[aria-current]");
    (open ?? $("search")).focus();
  });
  on("peer", ({ focus }) => focus && showView("thread"));
  on("message", () => state.message !== null && !$("thread").checkVisibility() && showView("thread"));
  on("show", (tab) => {
    showView("tools");
    select(tab);
    $(`tab-${tab}`).focus();
  });
  for (const link of document.querySelectorAll("[data-show]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault(); // the address says what is shown
      showView(link.dataset.show);
      const target = document.querySelector(link.hash);
      (target.checkVisibility() ? target : $("first-steps")).focus(); // there may be no conversation yet
    });
  }
  showView("list");
}

/** A slash goes to the search, from wherever nothing is written. */
function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    if (!$("search").checkVisibility()) showView("list");
    $("search").focus();
    $("search").select();
  });
}

startLanguage();
startTime();
startTabs();
startViews();
startThread();
startComposer();
startConversations();
startUnread();
startPhones();
startRequests();
startWebhooks();
startDeliveries();
startSchedule();
startFaults();
startMagic();
startConnect();
startAccount();
startDetails();
startAddress(showView);
startKeys();
startAnnouncer();
changed(null);
listen(changed, said);
