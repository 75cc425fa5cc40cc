/** Pictures for elsewhere: on white, with their numbers, each weight a square. */

import { element } from "./dom.js";

/** @import {Plan} from "./geometry.js" */
/** @import {Paper} from "./painting.js" */

// What browsers can draw on at most, with something to spare.
const MOST_SIDE = 16000;
const MOST_PIXELS = 64e6;

const LABEL = 26;
const MARGIN = 12;

/**
 * @typedef {{painted: (Uint32Array | null)[], label: string}} Cell
 */

/**
 * Kernels in rows, as a canvas.
 * @param {Cell[]} cells
 * @param {(scale: number) => Plan} planAt
 * @param {number} scale Pixels along the side of a weight; fewer where it would be too large.
 * @param {number} columns
 * @param {(paper: Paper, painted: Uint32Array, plan: Plan, left: number, top: number) => void} draw
 */
export function sheetOf(cells, planAt, scale, columns, draw) {
  const faces = Math.max(...cells.map(({ painted }) => painted.length), 1);
  const rows = Math.ceil(cells.length / columns);
  let plan = planAt(scale);
  /** @param {Plan} plan */
  const sizeOf = (plan) => {
    const cell = Math.max(40, faces * (plan.width + 4) - 4) + MARGIN;
    const line = plan.height + LABEL + MARGIN;
    return { cell, line, width: columns * cell + MARGIN, height: rows * line + MARGIN };
  };
  let size = sizeOf(plan);
  while (scale > 1 && (Math.max(size.width, size.height) > MOST_SIDE || size.width * size.height > MOST_PIXELS)) {
    plan = planAt(--scale);
    size = sizeOf(plan);
  }
  if (Math.max(size.width, size.height) > MOST_SIDE || size.width * size.height > MOST_PIXELS) {
    throw new Error("That is too large for one picture; hide some kernels first.");
  }
  const canvas = element("canvas", { width: size.width, height: size.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size.width, size.height);
  context.fillStyle = "#222";
  context.font = "13px system-ui, sans-serif";
  cells.forEach(({ painted, label }, one) => {
    const left = MARGIN + (one % columns) * size.cell;
    const top = MARGIN + Math.floor(one / columns) * size.line;
    painted.forEach((face, at) => {
      if (!face) return;
      const pixels = new Uint32Array(plan.width * plan.height).fill(0xffffffff);
      draw({ pixels, width: plan.width, height: plan.height }, face, plan, 0, 0);
      const image = new ImageData(new Uint8ClampedArray(pixels.buffer), plan.width, plan.height);
      context.putImageData(image, left + at * (plan.width + 4), top);
    });
    context.fillText(label, left, top + plan.height + 17, size.cell - 4);
  });
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
export function pngOf(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made."))), "image/png");
  });
}

/** @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name.replace(/[^\w.-]+/g, "_") });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<string>} What to say. */
export async function copy(canvas) {
  try {
    // A promise, since Safari asks for the item while the click is handled.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": pngOf(canvas) })]);
    return "Copied.";
  } catch {
    return "The browser does not allow copying here; download the strip instead.";
  }
}

