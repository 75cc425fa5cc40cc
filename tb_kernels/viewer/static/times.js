/** Epochs and curves → places beside each other. */

import { inTime } from "./state.js";

/** @import {Curve, Curves} from "./types.js" */

/**
 * @typedef {object} Axis Epochs from left to right.
 * @property {(epoch: number) => number} x Of an epoch, in pixels.
 * @property {number[]} stops The logged ones, in time.
 */

/**
 * @param {number[]} logged
 * @param {Curve[]} curves
 * @param {number} left @param {number} right In pixels.
 * @returns {Axis}
 */
export function axisOf(logged, curves, left, right) {
  const stops = [...logged].sort(inTime);
  const all = [...stops.filter((epoch) => epoch >= 0), ...curves.flatMap((curve) => curve.epochs)];
  const low = all.length ? Math.min(...all) : 0;
  const high = all.length ? Math.max(...all) : 0;
  // The final one has a place behind all that can be numbered.
  const hasFinal = stops.includes(-1);
  const alone = all.length === 0;
  const end = hasFinal && !alone ? right - Math.min(40, (right - left) / 8) : right;
  /** @param {number} epoch */
  const x = (epoch) => {
    if (epoch < 0) return alone ? (left + right) / 2 : right;
    return high === low ? (left + end) / 2 : left + ((epoch - low) / (high - low)) * (end - left);
  };
  return { x, stops };
}

/** The logged epoch nearest to a place. @param {Axis} axis @param {number} x */
export function stopAt(axis, x) {
  return axis.stops.reduce((best, epoch) =>
    Math.abs(axis.x(epoch) - x) < Math.abs(axis.x(best) - x) ? epoch : best,
  );
}

/** The epoch so many stops further; the ends stay. @param {number[]} stops @param {number} epoch @param {number} by */
export function stepFrom(stops, epoch, by) {
  const at = Math.max(0, stops.indexOf(epoch));
  return stops[Math.max(0, Math.min(stops.length - 1, at + by))];
}

/**
 * Lowest and highest of curves, a little wider where all is equal.
 * @param {Curve[]} curves
 * @returns {[number, number] | null} Null where there is nothing to draw.
 */
export function extent(curves) {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of curves) {
    for (const value of values) {
      if (value === null || !Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return null;
  return low === high ? [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2] : [low, high];
}

/**
 * An SVG path; it is broken where a value is not finite.
 * @param {Curve} curve
 * @param {(epoch: number) => number} x
 * @param {(value: number) => number} y
 */
export function pathOf(curve, x, y) {
  let path = "";
  let pen = "M";
  curve.epochs.forEach((epoch, one) => {
    const value = curve.values[one];
    if (value === null || value === undefined || !Number.isFinite(value)) {
      pen = "M";
      return;
    }
    path += `${pen}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  return path;
}

/**
 * What can be drawn beside the epochs: the tags of training and validation, the loss first.
 * @param {Curves} curves
 * @returns {string[]}
 */
export function tagsIn(curves) {
  const tags = new Set([...Object.keys(curves.train ?? {}), ...Object.keys(curves.validation ?? {})]);
  return [...tags].sort((one, two) => Number(two === "epoch_loss") - Number(one === "epoch_loss"));
}

/** `epoch_loss` is read as loss. @param {string} tag */
export function titleOf(tag) {
  return tag.replace(/^epoch_/, "").replaceAll("_", " ");
}

/**
 * The statistics of a layer that were logged with its kernels, by what they are.
 * @param {Curves} curves
 * @param {{view: string, key: string, number: string, name: string}} layer
 * @returns {Record<string, Curve>}
 */
export function statisticsOf(curves, layer) {
  const names = [layer.key, `${layer.number}-${layer.name}`];
  names.push(...names.map((name) => name.replace(/_\d+$/, "")));
  /** @type {Record<string, Curve>} */
  const found = {};
  for (const [tag, curve] of Object.entries(curves.kernels ?? {})) {
    for (const kind of ["kernel_norm", "relative_change"]) {
      const of = names.some((name) => tag === `${name}/${kind}` || tag === `${kind}/${name}`);
      if (of) found[kind] = curve;
    }
  }
  return found;
}
