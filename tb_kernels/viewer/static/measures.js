/** Numbers that kernels are ordered and marked by. */

import { holds, limitsOf, sizeOf, weightsOf } from "./levels.js";

/** @import {Order, Sheet} from "./types.js" */

// As `Log.health` counts: a kernel's norm as a fraction of the median of its layer's.
const ZERO_BELOW = 0.01;

/**
 * @typedef {object} Measures Of each kernel, in the order of the sheet's numbers.
 * @property {number[]} norm Of its weights; not a number where one is not finite.
 * @property {(number | null)[]} change L2 norm of the difference from the first epoch.
 * @property {(number | null)[]} step The same from the epoch before.
 * @property {boolean[]} zero Whether it is near zero beside the others.
 * @property {boolean[]} bad Whether a weight is not finite.
 * @property {boolean[]} [inactive] Whether it was nowhere active on the inputs that were logged.
 */

/** @param {ArrayLike<number>} weights */
export function norm(weights) {
  let sum = 0;
  for (let one = 0; one < weights.length; one++) sum += weights[one] * weights[one];
  return Math.sqrt(sum);
}

/**
 * L2 norm of a kernel's weights, or of what they differ by from those of another sheet; not a number
 * where one is not finite. Of levels as they are, since a layer may have millions.
 * @param {Sheet} sheet @param {number} place @param {Sheet | null} [other] @param {number} [there]
 */
export function lengthOf(sheet, place, other = null, there = 0) {
  const size = sizeOf(sheet.head);
  const own = scaleOf(sheet, place);
  const theirs = other ? scaleOf(other, there) : { low: 0, step: 0, levels: own.levels, from: own.from, bad: null };
  const apart = own.low - theirs.low;
  let sum = 0;
  for (let one = 0; one < size; one++) {
    const difference = apart + own.levels[own.from + one] * own.step - theirs.levels[theirs.from + one] * theirs.step;
    sum += difference * difference;
  }
  const unknown = [own, theirs].some(({ bad, from }) => bad?.subarray(from, from + size).includes(1));
  return unknown ? NaN : Math.sqrt(sum);
}

/** Where a kernel's levels are, and what they stand for. @param {Sheet} sheet @param {number} place */
function scaleOf({ head, first, levels, bad }, place) {
  const [low, high] = limitsOf(head, place);
  return { low, step: (high - low) / 255, levels, from: (place - first) * sizeOf(head), bad };
}

/** @param {number[]} values The finite ones count. */
export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {Sheet} sheet
 * @param {Sheet | null} first Of the first epoch; null where it is not here.
 * @param {Sheet | null} previous Of the epoch before.
 * @returns {Measures}
 */
export function measure(sheet, first, previous) {
  const places = sheet.head.numbers.map((_, place) => place);
  const norms = places.map((place) => lengthOf(sheet, place));
  const least = ZERO_BELOW * median(norms);
  /** @param {Sheet | null} other @returns {(number | null)[]} */
  const changes = (other) =>
    places.map((place) => {
      const there = other ? placeIn(other, sheet.head.numbers[place]) : -1;
      if (!other || there < 0 || sizeOf(other.head) !== sizeOf(sheet.head)) return null;
      return lengthOf(sheet, place, other, there);
    });
  return {
    norm: norms,
    change: changes(first),
    step: changes(previous),
    zero: norms.map((value) => value <= least),
    bad: norms.map((value) => Number.isNaN(value)),
  };
}

/**
 * Whether each kernel's feature maps are nowhere above 0, to within half a level.
 * @param {Sheet} sheet @param {Sheet} activations Of the same layer at the same epoch.
 */
export function inactiveIn(sheet, activations) {
  return sheet.head.numbers.map((number) => {
    const there = placeIn(activations, number);
    if (there < 0) return false;
    const [low, high] = limitsOf(activations.head, there);
    return weightsOf(activations, there).every((value) => value <= (high - low) / 510);
  });
}

/**
 * Places of a kernel's slices, those of the largest norm first.
 * @param {Sheet} sheet @param {number} place @param {number} most
 */
export function strongestSlices(sheet, place, most) {
  const [slices, height, width] = sheet.head.window;
  const weights = weightsOf(sheet, place);
  const size = height * width;
  const norms = Array.from({ length: slices }, (_, tile) => norm(weights.subarray(tile * size, (tile + 1) * size)));
  const order = norms.map((_, tile) => tile).sort((a, b) => norms[b] - norms[a] || a - b);
  return order.slice(0, most).map((tile) => ({ tile, norm: norms[tile] }));
}

/** Where a kernel number stands; −1 where it does not. @param {Sheet} sheet @param {number} number */
export function placeIn(sheet, number) {
  const place = sheet.head.numbers.indexOf(number);
  return place >= 0 && holds(sheet, place) ? place : -1;
}

/**
 * Places in the order of a number, the largest first; equals, and what has none, by their numbers.
 * @param {number[]} numbers
 * @param {Measures | null} measures
 * @param {Order} order
 * @param {number} hide Those that changed less are left out.
 * @returns {number[]}
 */
export function arrange(numbers, measures, order, hide) {
  const places = numbers.map((_, place) => place);
  if (!measures) return places;
  const { change } = measures;
  const kept = places.filter((place) => !(hide > 0 && (change[place] ?? Infinity) < hide));
  if (order === "number") return kept;
  const values = measures[order].map((value) => (Number.isFinite(value) ? Number(value) : -1));
  return kept.sort((a, b) => values[b] - values[a] || a - b);
}
