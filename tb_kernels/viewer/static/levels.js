/** Pixels of a sprite → levels, and levels → weights. */

/** @import {Head, Sheet, Range} from "./types.js" */

/** Weights of one kernel. @param {Head} head */
export function sizeOf(head) {
  return head.window.reduce((product, length) => product * length, 1);
}

/** Bytes of one kernel in a sheet's levels. @param {Head} head */
export function bytesOf(head) {
  return sizeOf(head) * (head.mode === "pictures" ? 3 : 1);
}

/**
 * The kernels of a part.
 * @param {Head} head
 * @param {{first: number, count: number}} part
 * @param {Uint8ClampedArray | Uint8Array} pixels Red, green, blue and alpha of each.
 * @returns {Sheet}
 */
export function unpack(head, part, pixels) {
  const count = part.count * sizeOf(head);
  if (pixels.length < 4 * count) {
    throw new Error("A picture of the log is smaller than its description says.");
  }
  const coloured = head.mode === "pictures";
  const levels = new Uint8Array(coloured ? 3 * count : count);
  const bad = coloured || head.finite ? null : new Uint8Array(count);
  for (let one = 0; one < count; one++) {
    if (coloured) {
      levels[3 * one] = pixels[4 * one];
      levels[3 * one + 1] = pixels[4 * one + 1];
      levels[3 * one + 2] = pixels[4 * one + 2];
      continue;
    }
    levels[one] = pixels[4 * one];
    if (bad) bad[one] = pixels[4 * one + 1] === 255 ? 1 : 0;
  }
  return { head, first: part.first, count: part.count, levels, bad };
}

/**
 * Several sheets of one layer and epoch, in order, as one.
 * @param {Sheet[]} sheets
 * @returns {Sheet}
 */
export function join(sheets) {
  if (sheets.length === 1) return sheets[0];
  const { head, first } = sheets[0];
  const size = sizeOf(head);
  const count = sheets.reduce((sum, sheet) => sum + sheet.count, 0);
  const levels = new Uint8Array(count * bytesOf(head));
  const bad = sheets.some((sheet) => sheet.bad) ? new Uint8Array(count * size) : null;
  for (const sheet of sheets) {
    levels.set(sheet.levels, (sheet.first - first) * bytesOf(head));
    if (bad && sheet.bad) bad.set(sheet.bad, (sheet.first - first) * size);
  }
  return { head, first, count, levels, bad };
}

/**
 * The weights that a kernel's lowest and highest level stand for.
 * @param {Head} head
 * @param {number} place Of the kernel among the head's numbers.
 * @returns {Range}
 */
export function limitsOf(head, place) {
  const all = head.limits ?? [];
  const [low, high] = all[all.length === 1 ? 0 : place] ?? [null, null];
  return [low ?? 0, high ?? low ?? 0];
}

/**
 * A kernel's weights, in C order of slice, y and x; not a number where they are not finite.
 * @param {Sheet} sheet
 * @param {number} place Of the kernel among the head's numbers.
 * @returns {Float64Array}
 */
export function weightsOf(sheet, place) {
  const [low, high] = limitsOf(sheet.head, place);
  const size = sizeOf(sheet.head);
  const start = (place - sheet.first) * size;
  const weights = new Float64Array(size);
  for (let one = 0; one < size; one++) {
    const missing = sheet.bad && sheet.bad[start + one];
    weights[one] = missing ? NaN : low + (sheet.levels[start + one] / 255) * (high - low);
  }
  return weights;
}

/** Whether a sheet has the kernel of a place. @param {Sheet} sheet @param {number} place */
export function holds(sheet, place) {
  return place >= sheet.first && place < sheet.first + sheet.count;
}

/**
 * One slice of a kernel as a sheet of its own.
 * @param {Sheet} sheet @param {number} place @param {number} tile @returns {Sheet}
 */
export function sliceOf(sheet, place, tile) {
  const [, height, width] = sheet.head.window;
  const size = height * width;
  const from = (place - sheet.first) * sizeOf(sheet.head) + tile * size;
  const head = {
    ...sheet.head, numbers: [sheet.head.numbers[place]], window: [1, height, width], columns: 1,
    limits: [limitsOf(sheet.head, place)], rgb: false,
  };
  const bad = sheet.bad && sheet.bad.subarray(from, from + size);
  return { head, first: 0, count: 1, levels: sheet.levels.subarray(from, from + size), bad };
}
