/** What lies over all else: a kernel enlarged, and the keys. */

import { element } from "./dom.js";
import { HELP } from "./keys.js";
import { Portrait } from "./portrait.js";

/** @import {Scene} from "./scene.js" */

export class Enlarged {
  constructor() {
    this.portrait = new Portrait();
    this.title = element("h2");
    this.at = dialog("kernel enlarged", [this.title, this.portrait.at], "enlarged");
  }

  /** @param {Scene} scene @param {number} place @param {string} title */
  show(scene, place, title) {
    this.title.textContent = title;
    if (!this.at.open) this.at.showModal();
    this.portrait.canvas.setAttribute("aria-label", title);
    this.portrait.show(scene, place, window.innerWidth * 0.9 - 48, window.innerHeight * 0.9 - 130);
  }
}

export function helpDialog() {
  const rows = HELP.map(([keys, deed]) => element("tr", {}, [element("td", {}, [element("kbd", { text: keys })]), element("td", { text: deed })]));
  return dialog("keys", [element("h2", { text: "Keys" }), element("table", { class: "keys" }, rows)], "help");
}

/** @param {string} label @param {Node[]} inside @param {string} kind */
function dialog(label, inside, kind) {
  const close = element("button", { type: "button", class: "close", "aria-label": "close", text: "✕" });
  const made = element("dialog", { class: kind, "aria-label": label }, [close, ...inside]);
  close.addEventListener("click", () => made.close());
  made.addEventListener("click", (event) => {
    if (event.target === made) made.close();
  });
  return made;
}
