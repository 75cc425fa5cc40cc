/** A kernel's weights → the pixels of its picture. */

import { DIVERGING, NOT_FINITE, indexOf, indexesOf, pack } from "./colours.js";
import { limitsOf, sizeOf, weightsOf } from "./levels.js";

/** @import {Plan} from "./geometry.js" */
/** @import {Range, Sheet} from "./types.js" */

/** @typedef {{pixels: Uint32Array, width: number, height: number}} Paper */

/** @param {number} width @param {number} height @returns {Paper} */
export function paperOf(width, height) {
  return { pixels: new Uint32Array(width * height), width, height };
}

/**
 * The colour of each weight of a kernel, in C order of tile, y and x.
 * @param {Sheet} sheet
 * @param {number} place Of the kernel among the head's numbers.
 * @param {Range} range
 * @param {Uint32Array} colours
 */
export function coloursIn(sheet, place, range, colours) {
  const { head, levels, bad } = sheet;
  const size = sizeOf(head);
  const start = (place - sheet.first) * size;
  if (head.mode === "pictures") {
    return Uint32Array.from({ length: size }, (_, one) => {
      const at = 3 * (start + one);
      return pack(levels[at], levels[at + 1], levels[at + 2]);
    });
  }
  const indexes = indexesOf(limitsOf(head, place), range);
  if (head.rgb) return joined(sheet, start, indexes);
  const painted = new Uint32Array(size);
  for (let one = 0; one < size; one++) {
    const missing = bad && bad[start + one];
    painted[one] = missing ? NOT_FINITE : colours[indexes[levels[start + one]]];
  }
  return painted;
}

/**
 * Slices three by three as the red, green and blue of one tile.
 * @param {Sheet} sheet @param {number} start @param {Uint8Array} indexes
 */
function joined({ head, levels, bad }, start, indexes) {
  const area = head.window[1] * head.window[2];
  const painted = new Uint32Array((sizeOf(head) / 3) | 0);
  for (let one = 0; one < painted.length; one++) {
    const at = start + Math.floor(one / area) * 3 * area + (one % area);
    const missing = bad && (bad[at] || bad[at + area] || bad[at + 2 * area]);
    const [red, green, blue] = [0, 1, 2].map((channel) => indexes[levels[at + channel * area]]);
    painted[one] = missing ? NOT_FINITE : pack(red, green, blue);
  }
  return painted;
}

/**
 * The colour of what each weight differs by, around zero.
 * @param {Sheet} sheet @param {number} place
 * @param {Sheet} other @param {number} otherPlace What is taken away.
 * @param {number} reach The difference of the strongest colour.
 */
export function differenceIn(sheet, place, other, otherPlace, reach) {
  const now = weightsOf(sheet, place);
  const before = weightsOf(other, otherPlace);
  return Uint32Array.from(now, (weight, one) => {
    const difference = weight - before[one];
    if (Number.isNaN(difference)) return NOT_FINITE;
    return DIVERGING[indexOf(difference, [-reach, reach])];
  });
}

/**
 * Draws a kernel, each weight a square of whole pixels; between tiles it leaves what is there.
 * @param {Paper} paper
 * @param {Uint32Array} painted
 * @param {Plan} plan
 * @param {number} left
 * @param {number} top
 */
export function draw(paper, painted, plan, left, top) {
  const { tileWidth, tileHeight, scale, gap } = plan;
  for (let tile = 0; tile < plan.tiles; tile++) {
    const x0 = left + (tile % plan.columns) * (tileWidth * scale + gap);
    const y0 = top + Math.floor(tile / plan.columns) * (tileHeight * scale + gap);
    for (let y = 0; y < tileHeight; y++) {
      const line = (y0 + y * scale) * paper.width + x0;
      for (let x = 0; x < tileWidth; x++) {
        const colour = painted[(tile * tileHeight + y) * tileWidth + x];
        paper.pixels.fill(colour, line + x * scale, line + (x + 1) * scale);
      }
      for (let more = 1; more < scale; more++) {
        paper.pixels.copyWithin(line + more * paper.width, line, line + tileWidth * scale);
      }
    }
  }
}
