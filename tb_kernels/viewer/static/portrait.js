/** One kernel, large, and what each of its weights is. */

import { density, element, put, say } from "./dom.js";
import { planOf, scaleFor, weightAt } from "./geometry.js";
import { weightsOf } from "./levels.js";
import { placeIn } from "./measures.js";
import { weight } from "./numbers.js";
import { draw, paperOf } from "./painting.js";
import { faces } from "./scene.js";
import { sliceName } from "./words.js";

/** @import {Plan} from "./geometry.js" */
/** @import {Scene} from "./scene.js" */

const HINT = "Point at a square to read its weight.";

export class Portrait {
  constructor() {
    this.canvas = element("canvas", { class: "portrait", role: "img" });
    this.readout = element("p", { class: "readout", text: HINT });
    this.mark = element("span", { class: "mark", hidden: true });
    this.frame = element("div", { class: "frame" }, [this.canvas, this.mark]);
    this.at = element("div", { class: "portrait-of" }, [this.frame, this.readout]);
    /** @type {{scene: Scene, place: number, plan: Plan, between: number} | null} */
    this.shown = null;
    this.canvas.addEventListener("pointermove", (event) => this.pointed(event));
    this.canvas.addEventListener("pointerdown", (event) => this.pointed(event));
    this.canvas.addEventListener("pointerleave", () => this.rest());
  }

  /** @param {Scene} scene @param {number} place @param {number} width @param {number} height In CSS pixels. */
  show(scene, place, width, height) {
    const dots = density();
    const painted = faces(scene, place);
    const between = Math.round(8 * dots);
    const room = Math.floor((width * dots - between * (painted.length - 1)) / painted.length);
    const { head } = scene.sheet;
    const plan = planOf(head, scaleFor(head, room, Math.floor(height * dots)));
    const paper = paperOf(painted.length * plan.width + (painted.length - 1) * between, plan.height);
    painted.forEach((face, one) => face && draw(paper, face, plan, one * (plan.width + between), 0));
    put(this.canvas, paper);
    this.shown = { scene, place, plan, between };
    say(this.readout, head.mode === "levels" ? HINT : "");
    this.mark.hidden = true;
  }

  rest() {
    this.mark.hidden = true;
    if (this.shown?.scene.sheet.head.mode === "levels") say(this.readout, HINT);
  }

  /** @param {PointerEvent} event */
  pointed(event) {
    const { shown } = this;
    if (!shown || shown.scene.sheet.head.mode !== "levels") return;
    const dots = density();
    const { left, top } = this.canvas.getBoundingClientRect();
    const pitch = shown.plan.width + shown.between;
    const x = (event.clientX - left) * dots;
    const y = (event.clientY - top) * dots;
    const face = Math.floor(x / pitch);
    const found = weightAt(shown.plan, x - face * pitch, y);
    if (!found) return this.rest();
    const { plan } = shown;
    const style = this.mark.style;
    const tileX = (found.tile % plan.columns) * (plan.tileWidth * plan.scale + plan.gap);
    const tileY = Math.floor(found.tile / plan.columns) * (plan.tileHeight * plan.scale + plan.gap);
    style.left = `${(face * pitch + tileX + found.x * plan.scale) / dots}px`;
    style.top = `${(tileY + found.y * plan.scale) / dots}px`;
    style.width = style.height = `${plan.scale / dots}px`;
    this.mark.hidden = false;
    say(this.readout, this.told(face, found));
  }

  /** @param {number} face @param {{tile: number, x: number, y: number}} found */
  told(face, found) {
    if (!this.shown) return "";
    const { scene, place } = this.shown;
    const { head } = scene.sheet;
    const values = this.values(face, found);
    const names = values.length === 3 ? ["red ", "green ", "blue "] : [""];
    const where = [sliceName(scene.layer, head, found.tile), `row ${found.y + 1}, column ${found.x + 1}`];
    const kind = face === 2 ? "difference" : scene.other && face === 0 ? scene.otherName : "";
    const told = values.map((value, one) => names[one] + weight(value)).join(" · ");
    return `${[kind, ...where].filter(Boolean).join(" · ")}: ${values.length ? told : `no ${head.numbers[place]} there`}`;
  }

  /** @param {number} face @param {{tile: number, x: number, y: number}} found @returns {number[]} */
  values(face, found) {
    if (!this.shown) return [];
    const { scene, place } = this.shown;
    const { head } = scene.sheet;
    const area = head.window[1] * head.window[2];
    const slices = head.rgb ? [3 * found.tile, 3 * found.tile + 1, 3 * found.tile + 2] : [found.tile];
    const indexes = slices.map((slice) => slice * area + found.y * head.window[2] + found.x);
    const own = weightsOf(scene.sheet, place);
    const there = scene.other ? placeIn(scene.other, head.numbers[place]) : -1;
    const before = scene.other && there >= 0 ? weightsOf(scene.other, there) : null;
    const isOther = scene.other && face === 0;
    if (isOther || face === 2) {
      if (!before) return [];
      return indexes.map((index) => (isOther ? before[index] : own[index] - before[index]));
    }
    return indexes.map((index) => own[index]);
  }
}
