// Moments: shown in the reader's time, with the full UTC moment as tooltip. Also what time it is in the sandbox.

import { locale, t } from "./language.js";

const format = (options) => new Intl.DateTimeFormat(locale, options);
const TIME = format({ hour: "2-digit", minute: "2-digit" });
const SECONDS = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = format({ day: "numeric", month: "short" });
const DAY = format({ weekday: "long", day: "numeric", month: "long" });
const TENTHS = new Intl.NumberFormat(locale, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
  useGrouping: false,
});
const DAY_AND_YEAR = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });

let ahead = 0; // milliseconds that the sandbox's clock is ahead of this machine's

/** From now on "Today" is the sandbox's: also after its midnight, and when its clock is moved. */
export function startTime() {
  setInterval(keepDay, 1000);
}

/** Learn what time it is in the sandbox. */
export function learnNow(moment) {
  ahead = Date.parse(moment) - Date.now();
  keepDay();
}

/** What time it is in the sandbox. */
export const now = () => new Date(Date.now() + ahead);

/** How far its clock was moved, in words; empty where it was not. */
export function moved() {
  if (Math.abs(ahead) < 3000) return "";
  return (ahead > 0 ? "+" : "−") + span(Math.abs(ahead));
}

/** A length of time, in the two largest units. */
export function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  const units = [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  let left = seconds;
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(t(`time.${unit}`, { count }));
  }
  return parts.slice(0, 2).join(" ") || t("time.s", { count: 0 });
}

/** How long something took. */
export function took(milliseconds) {
  if (milliseconds < 1000) return t("time.ms", { count: Math.max(1, Math.round(milliseconds)) });
  return t("time.s", { count: TENTHS.format(milliseconds / 1000) });
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** What two moments of one day have in common. */
export const dateOf = (moment) => new Date(moment).toDateString();

/** The day in words: Today, Yesterday, or its date. */
function dayOf(moment) {
  const date = new Date(moment);
  const days = Math.round((midnight(now()) - midnight(date)) / 86400000);
  if (days === 0) return t("time.today");
  if (days === 1) return t("time.yesterday");
  if (days === -1) return t("time.tomorrow");
  return (date.getFullYear() === now().getFullYear() ? DAY : DAY_AND_YEAR).format(date);
}

const isToday = (date) => dateOf(date) === dateOf(now());

const dated = (date, time) => t("time.date_and_time", { date: DATE.format(date), time: time.format(date) });

const WRITTEN = {
  day: (date) => dayOf(date),
  dated: (date) => dated(date, TIME),
  time: (date) => TIME.format(date),
  seconds: (date) => SECONDS.format(date),
  short: (date) => (isToday(date) ? TIME : DATE).format(date),
  both: (date) => (isToday(date) ? SECONDS.format(date) : dated(date, SECONDS)),
  due: (date) => (isToday(date) ? TIME.format(date) : dated(date, TIME)),
};

let today = ""; // what "Today" means in what the page shows

function keepDay() {
  if (today === dateOf(now())) return;
  today = dateOf(now());
  for (const element of document.querySelectorAll("time[data-style]")) write(element);
}

function write(element) {
  element.textContent = WRITTEN[element.dataset.style](new Date(element.dateTime));
}

/**
 * A <time> for a moment, written as `time`, `seconds`, `dated`, `short` (time or date), `both`, `due` or `day`. It is
 * written again when the sandbox's day is another.
 */
export function stamp(moment, style = "time") {
  const element = document.createElement("time");
  element.dateTime = moment;
  element.dataset.style = style;
  if (style !== "day") element.title = moment.replace("T", " ").replace("Z", " UTC");
  write(element);
  return element;
}
