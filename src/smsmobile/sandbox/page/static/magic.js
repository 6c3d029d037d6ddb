// The numbers that behave in chosen ways, listed below the faults.

import { copyButton } from "./copy.js";
import { $, h, reconcile } from "./dom.js";
import { said } from "./language.js";
import { on, state } from "./state.js";

export function startMagic() {
  on("overview", () => reconcile($("magic"), state.overview.magic_recipients, (each) => each.number, draw));
}

const draw = ({ number, description }) =>
  h(
    "tr",
    {},
    h(
      "td",
      { class: "number" },
      h("code", {}, number),
      copyButton(number, () => number),
    ),
    h("td", {}, said(`magic.${number}`, description)),
  );
