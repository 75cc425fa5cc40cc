/** All that is drawn at one moment: kernels, what they are compared with, scale and order. */

import { coloursOf } from "./colours.js";
import { weightsOf } from "./levels.js";
import { arrange, placeIn } from "./measures.js";
import { coloursIn, differenceIn } from "./painting.js";
import { around, rangeOf, rangeOfWeights, sharedRange, span } from "./scales.js";

/** @import {Measures} from "./measures.js" */
/** @import {Layer, Range, Run, Sheet, State} from "./types.js" */

/**
 * @typedef {object} Scene
 * @property {State} state
 * @property {Run} run
 * @property {Layer} layer
 * @property {number[]} epochs In time.
 * @property {Sheet} sheet
 * @property {Sheet | null} other What it is compared with.
 * @property {string} otherName
 * @property {Measures} measures
 * @property {number[]} places In the order shown.
 * @property {Uint32Array} colours
 * @property {Range | null} range Null where each kernel has its own.
 * @property {number} reach The largest difference of all kernels.
 */

/**
 * @param {Omit<Scene, "places" | "colours" | "range" | "reach">} parts
 * @param {Range[]} ranges Of the layers at all epochs.
 * @returns {Scene}
 */
export function sceneOf(parts, ranges) {
  const { state, sheet, other, measures } = parts;
  const shown = other ? [sheet.head, other.head] : [sheet.head];
  const range = sharedRange(state.scale, shown, ranges);
  const hide = sheet.head.mode === "pictures" ? 0 : state.hide;
  const places = arrange(sheet.head.numbers, measures, state.order, hide);
  const scene = { ...parts, places, colours: coloursOf(state.colours, sheet.head), range, reach: 0 };
  if (comparable(sheet, other)) {
    scene.reach = Math.max(0, ...places.map((place) => reachOf(scene, place)));
  }
  return scene;
}

/** Whether the weights of two sheets can be taken from each other. @param {Sheet} sheet @param {Sheet | null} other */
export function comparable(sheet, other) {
  return Boolean(
    other && sheet.head.mode === "levels" && other.head.mode === "levels" && !sheet.head.rgb &&
      String(sheet.head.window) === String(other.head.window),
  );
}

/** How many pictures stand side by side. @param {Scene} scene */
export function facesIn(scene) {
  if (!scene.other) return 1;
  return comparable(scene.sheet, scene.other) ? 3 : 2;
}

/** @param {Scene} scene @param {number} place @returns {Range} */
export function rangeAt(scene, place) {
  if (scene.range) return scene.range;
  if (scene.sheet.head.mode === "pictures") return [0, 0];
  const ranges = [rangeOfWeights(weightsOf(scene.sheet, place))];
  const there = scene.other ? placeIn(scene.other, scene.sheet.head.numbers[place]) : -1;
  if (scene.other && there >= 0) ranges.push(rangeOfWeights(weightsOf(scene.other, there)));
  return span(ranges);
}

/**
 * The range of another sheet that stands beside those of a scene.
 * @param {Scene} scene @param {Sheet} sheet @param {number} place @param {Range | null} shared @returns {Range}
 */
export function ownRange(scene, sheet, place, shared) {
  if (sheet.head.mode === "pictures") return [0, 0];
  const { scale } = scene.state;
  if (shared && scale !== "epoch") return shared;
  if (scale === "kernel") return rangeOfWeights(weightsOf(sheet, place));
  return scale === "symmetric" ? around(rangeOf(sheet.head)) : rangeOf(sheet.head);
}

/** The largest difference of a kernel's weights. @param {Scene} scene @param {number} place */
export function reachOf(scene, place) {
  const there = scene.other ? placeIn(scene.other, scene.sheet.head.numbers[place]) : -1;
  if (!scene.other || there < 0) return 0;
  const before = weightsOf(scene.other, there);
  return around(rangeOfWeights(weightsOf(scene.sheet, place).map((weight, at) => weight - before[at])))[1];
}

/**
 * What is drawn of a kernel, from left to right: the other, itself, the difference. Null for none.
 * @param {Scene} scene
 * @param {number} place
 * @returns {(Uint32Array | null)[]}
 */
export function faces(scene, place) {
  const { sheet, other, colours } = scene;
  const range = rangeAt(scene, place);
  const own = coloursIn(sheet, place, range, colours);
  if (!other) return [own];
  const there = placeIn(other, sheet.head.numbers[place]);
  if (there < 0 || String(sheet.head.window) !== String(other.head.window)) return [null, own, null];
  const left = coloursIn(other, there, range, colours);
  if (!comparable(sheet, other)) return [left, own];
  const reach = scene.range ? scene.reach : reachOf(scene, place);
  return [left, own, differenceIn(sheet, place, other, there, reach)];
}
