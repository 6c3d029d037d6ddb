// What a screen reader is told of things that happen by themselves: one sentence every few seconds, not one a message.

import { $ } from "./dom.js";

const PAUSE = 2000; // milliseconds between two sentences

let messages = [];
let timer = null;

/** Say a sentence now. */
export function announce(sentence) {
  $("announcer").textContent = sentence;
}

/** Say that a message arrived; many at once become a number. */
export function announceMessage(from, text) {
  messages.push(`${from}: ${text}`);
  if (timer === null) timer = setTimeout(flush, messages.length === 1 ? 200 : PAUSE);
}

function flush() {
  announce(messages.length === 1 ? `New message. ${messages[0].slice(0, 200)}` : `${messages.length} new messages.`);
  messages = [];
  timer = setTimeout(() => {
    timer = null;
    if (messages.length) flush();
  }, PAUSE);
}
