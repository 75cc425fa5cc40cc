/** A kernel, small. */

import { density, put } from "./dom.js";
import { planOf, scaleFor } from "./geometry.js";
import { coloursIn, draw, paperOf } from "./painting.js";

/** @import {Range, Sheet} from "./types.js" */

/**
 * Draws a kernel as wide as fits, in whole pixels of each weight.
 * @param {HTMLCanvasElement} canvas @param {Sheet} sheet @param {number} place @param {Range} range @param {Uint32Array} colours
 * @param {number} width In CSS pixels.
 */
export function paint(canvas, sheet, place, range, colours, width) {
  const room = Math.floor(width * density());
  const plan = planOf(sheet.head, scaleFor(sheet.head, room, 2 * room));
  const paper = paperOf(plan.width, plan.height);
  draw(paper, coloursIn(sheet, place, range, colours), plan, 0, 0);
  put(canvas, paper);
}
