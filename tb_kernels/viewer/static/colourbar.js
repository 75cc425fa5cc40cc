/** The colours of the scale with the weights of their ends, and zero. */

import { DIVERGING, apart } from "./colours.js";
import { element, say } from "./dom.js";
import { weight } from "./numbers.js";

/** @import {Range} from "./types.js" */
/** @import {Scene} from "./scene.js" */

export class Colourbar {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.canvas = element("canvas", { width: 256, height: 1, "aria-hidden": "true" });
    this.low = element("span", { class: "end" });
    this.high = element("span", { class: "end" });
    this.zero = element("span", { class: "zero", text: "0" });
    this.title = element("span", { class: "bar-title" });
    this.at = element("div", { class: "colourbar", role: "img" }, [
      this.title, this.low, element("span", { class: "bar" }, [this.canvas, this.zero]), this.high,
    ]);
  }

  /** @param {string} title @param {Range | null} range Null for one of each kernel. @param {Uint32Array} colours */
  show(title, range, colours) {
    this.at.hidden = false;
    const image = new ImageData(256, 1);
    colours.forEach((colour, one) => image.data.set([...apart(colour), 255], 4 * one));
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    say(this.title, title);
    say(this.low, range ? weight(range[0]) : "lowest");
    say(this.high, range ? weight(range[1]) : "highest");
    const crosses = range && range[0] < 0 && range[1] > 0;
    this.zero.hidden = !crosses;
    if (crosses) this.zero.style.left = `${(-range[0] / (range[1] - range[0])) * 100}%`;
    this.at.setAttribute("aria-label", `${title}: from ${this.low.textContent} to ${this.high.textContent}`);
  }

  hide() {
    this.at.hidden = true;
  }
}

/** @param {Colourbar} bar @param {Colourbar} difference @param {Scene} scene @param {boolean} compared */
export function showBars(bar, difference, scene, compared) {
  const { head } = scene.sheet;
  if (head.mode === "pictures") bar.hide();
  else bar.show("weight", scene.range, scene.colours);
  if (!compared) difference.hide();
  else difference.show("difference", scene.range ? [-scene.reach, scene.reach] : null, DIVERGING);
}
