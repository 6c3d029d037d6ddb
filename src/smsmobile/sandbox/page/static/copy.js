// Copying: a button that puts a text on the clipboard and says that it did.

import { announce } from "./announce.js";
import { h, icon } from "./dom.js";
import { t } from "./language.js";

/** A button that copies what `text()` returns; `what` names it. */
export function copyButton(what, text) {
  const button = h("button", {
    type: "button",
    class: "icon-button copy",
    title: t("copy.copy", { what }),
    "aria-label": t("copy.copy", { what }),
  });
  const idle = icon("copy");
  button.append(idle);
  button.addEventListener("click", async () => {
    const worked = await put(text());
    announce(t(worked ? "copy.copied" : "copy.failed", { what }));
    button.replaceChildren(icon(worked ? "check" : "ban"));
    setTimeout(() => button.replaceChildren(idle), 1500);
  });
  return button;
}

/** A block of code with a button that copies it. */
export function codeBlock(what, text) {
  return h(
    "div",
    { class: "code" },
    h("pre", { tabindex: "0", "aria-label": what }, h("code", {}, text)),
    copyButton(what, () => text),
  );
}

async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or a page that may not: one that another machine has opened by http
  }
}
