/** Numbers that kernels are ordered and marked by. */

import { holds, limitsOf, weightsOf } from "./levels.js";

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

/** @param {ArrayLike<number>} weights @param {ArrayLike<number>} before */
export function distance(weights, before) {
  let sum = 0;
  for (let one = 0; one < weights.length; one++) sum += (weights[one] - before[one]) ** 2;
  return Math.sqrt(sum);
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
  const weights = places.map((place) => weightsOf(sheet, place));
  const norms = weights.map(norm);
  const least = ZERO_BELOW * median(norms);
  /** @param {Sheet | null} other @returns {(number | null)[]} */
  const changes = (other) =>
    places.map((place) => {
      const there = other ? placeIn(other, sheet.head.numbers[place]) : -1;
      if (!other || there < 0) return null;
      const before = weightsOf(other, there);
      return before.length === weights[place].length ? distance(weights[place], before) : null;
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
