/** What things are called. */

/** @import {Head, Layer} from "./types.js" */

/** @type {Record<string, string>} */
const NOUNS = { heatmaps: "input", activations: "feature map" };

/** What one picture of a view shows. @param {string} view */
export function nounOf(view) {
  return NOUNS[view] ?? "kernel";
}

/** 3 × 3 × 1 × 32. @param {number[] | null} shape */
export function shapeName(shape) {
  return shape ? shape.join(" × ") : "";
}

/**
 * Which slice a tile shows, in words; empty where there is only one.
 * @param {Layer} layer
 * @param {Head} head
 * @param {number} tile
 */
export function sliceName(layer, head, tile) {
  const slices = head.rgb ? head.window[0] / 3 : head.window[0];
  if (slices <= 1) return "";
  const axes = layer.axes ?? "";
  const shape = layer.shape ?? [];
  const depth = axes.includes("d") ? shape[axes.indexOf("d")] : 0;
  if (axes.includes("e")) return tile === slices - 1 ? "mean" : `example ${tile + 1}`;
  const noun = axes.includes("n") && axes.includes("c") ? "input" : "input channel";
  if (depth > 1 && slices % depth === 0) {
    return `${noun} ${Math.floor(tile / depth) + 1}, depth ${(tile % depth) + 1}`;
  }
  return `${noun} ${tile + 1}`;
}

export const ORDERS = [
  { value: "number", text: "number" },
  { value: "change", text: "change since first" },
  { value: "step", text: "change since previous" },
  { value: "norm", text: "norm" },
];

export const SCALES = [
  { value: "epoch", text: "this epoch" },
  { value: "all", text: "all epochs" },
  { value: "kernel", text: "each kernel" },
  { value: "symmetric", text: "symmetric" },
];

export const LINE = 'KernelLogger("logs", epochs=[0, 1, 6, 10])';
