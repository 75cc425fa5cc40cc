/** Which weights the ends of the colours stand for. */

import { limitsOf } from "./levels.js";

/** @import {Head, Range, Scale} from "./types.js" */

/**
 * The range that covers all of some; of none 0 to 0.
 * @param {Range[]} ranges
 * @returns {Range}
 */
export function span(ranges) {
  const finite = ranges.filter(([low, high]) => Number.isFinite(low) && Number.isFinite(high));
  if (!finite.length) return [0, 0];
  let [low, high] = finite[0];
  for (const one of finite) {
    low = Math.min(low, one[0]);
    high = Math.max(high, one[1]);
  }
  return [low, high];
}

/** What was logged of a layer at an epoch. @param {Head} head @returns {Range} */
export function rangeOf(head) {
  return span((head.limits ?? []).map((_, place) => limitsOf(head, place)));
}

/** @param {ArrayLike<number>} weights @returns {Range} */
export function rangeOfWeights(weights) {
  let low = Infinity;
  let high = -Infinity;
  for (let one = 0; one < weights.length; one++) {
    if (weights[one] < low) low = weights[one];
    if (weights[one] > high) high = weights[one];
  }
  return low > high ? [0, 0] : [low, high];
}

/** As far below zero as above it. @param {Range} range @returns {Range} */
export function around(range) {
  const reach = Math.max(Math.abs(range[0]), Math.abs(range[1]));
  return [-reach, reach];
}

/**
 * The scale that a layer's kernels share; null where each has its own.
 * @param {Scale} scale
 * @param {Head[]} shown Of what is on the screen.
 * @param {Range[]} all Of the layers at all epochs.
 * @returns {Range | null}
 */
export function sharedRange(scale, shown, all) {
  if (scale === "kernel") return null;
  const range = span([...shown.map(rangeOf), ...(scale === "epoch" ? [] : all)]);
  return scale === "symmetric" ? around(range) : range;
}
