/** Where slices stand in a kernel's picture, and pictures on the wall. Device pixels, if not said. */

/** @import {Head} from "./types.js" */

export const ROOM_BETWEEN = 14;
const MOST_FILLED = 132;

/**
 * @typedef {object} Plan How one kernel is drawn.
 * @property {number} tiles Squares of weights side by side: slices, or one of three in colour.
 * @property {number} columns Tiles in a row.
 * @property {number} tileWidth In weights.
 * @property {number} tileHeight In weights.
 * @property {number} scale Device pixels along the side of a weight: a whole number.
 * @property {number} gap Between tiles.
 * @property {number} width
 * @property {number} height
 */

/** @param {Head} head @param {number} scale @returns {Plan} */
export function planOf(head, scale) {
  const [slices, tileHeight, tileWidth] = head.window;
  const tiles = head.rgb ? Math.max(1, Math.round(slices / 3)) : slices;
  const columns = Math.max(1, Math.min(head.columns, tiles));
  const rows = Math.ceil(tiles / columns);
  const gap = gapAt(scale);
  return {
    tiles, columns, tileWidth, tileHeight, scale, gap,
    width: columns * (tileWidth * scale + gap) - gap,
    height: rows * (tileHeight * scale + gap) - gap,
  };
}

/** @param {number} scale */
function gapAt(scale) {
  return Math.max(1, Math.min(8, Math.round(scale / 2.5)));
}

/**
 * The largest whole scale at which a kernel is at most so wide and high; at least 1.
 * @param {Head} head
 * @param {number} width
 * @param {number} [height]
 */
export function scaleFor(head, width, height = Infinity) {
  let scale = 1;
  const most = Math.ceil(width / head.window[2]);
  // Gaps grow in steps, so that no formula gives it at once.
  for (let low = 1, high = Math.max(1, most); low <= high; ) {
    const middle = (low + high) >> 1;
    const plan = planOf(head, middle);
    if (plan.width <= width && plan.height <= height) {
      scale = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  return scale;
}

/**
 * A width at which a kernel can be read: large kernels and many slices take more.
 * @param {Head} head
 * @returns {number} CSS pixels.
 */
export function fittingWidth(head) {
  const { width } = planOf(head, head.mode === "pictures" ? 12 : 6);
  return Math.max(64, Math.min(head.mode === "pictures" ? 160 : 208, width));
}

/**
 * The same, or as much wider as all kernels can be and still be seen at once.
 * @param {Head} head
 * @param {number} count
 * @param {number} faces
 * @param {{width: number, height: number}} room In CSS pixels.
 * @param {number} label
 */
export function fillingWidth(head, count, faces, room, label) {
  const least = fittingWidth(head);
  for (let width = MOST_FILLED; width > least; width -= 4) {
    const plan = planOf(head, 8);
    const height = (width * plan.height) / plan.width;
    const columns = Math.floor((room.width + ROOM_BETWEEN) / (faces * width + ROOM_BETWEEN));
    const rows = Math.ceil(count / Math.max(1, columns));
    const fits = columns > 0 && rows * (height + label + ROOM_BETWEEN) <= room.height;
    if (fits) return width;
  }
  return least;
}

/**
 * The slice and the weight at a point of a kernel's picture; null between tiles.
 * @param {Plan} plan
 * @param {number} x
 * @param {number} y
 * @returns {{tile: number, x: number, y: number} | null}
 */
export function weightAt(plan, x, y) {
  const stepX = plan.tileWidth * plan.scale + plan.gap;
  const stepY = plan.tileHeight * plan.scale + plan.gap;
  const column = Math.floor(x / stepX);
  const row = Math.floor(y / stepY);
  const inX = Math.floor((x - column * stepX) / plan.scale);
  const inY = Math.floor((y - row * stepY) / plan.scale);
  const tile = row * plan.columns + column;
  const inside = x >= 0 && y >= 0 && column < plan.columns && tile < plan.tiles;
  return inside && inX < plan.tileWidth && inY < plan.tileHeight ? { tile, x: inX, y: inY } : null;
}

/**
 * @typedef {object} Wall Where kernels stand: cells in rows.
 * @property {number} columns
 * @property {number} rows
 * @property {number} cellWidth
 * @property {number} cellHeight
 * @property {number} height Of all rows.
 */

/**
 * @param {number} count Kernels.
 * @param {number} width Of the room there is.
 * @param {{width: number, height: number}} face What is drawn of a kernel.
 * @param {{gap: number, label: number}} room Between cells, and below each for its number.
 * @returns {Wall}
 */
export function wallOf(count, width, face, room) {
  const cellWidth = face.width + room.gap;
  const cellHeight = face.height + room.label + room.gap;
  const columns = Math.max(1, Math.floor((width + room.gap) / cellWidth));
  const rows = Math.ceil(count / columns);
  return { columns, rows, cellWidth, cellHeight, height: rows * cellHeight };
}

/**
 * The rows that can be seen, with one more on each side.
 * @param {Wall} wall
 * @param {number} top
 * @param {number} height
 * @returns {[number, number]} The first, and the one behind the last.
 */
export function rowsIn(wall, top, height) {
  const first = Math.max(0, Math.floor(top / wall.cellHeight) - 1);
  const end = Math.min(wall.rows, Math.ceil((top + height) / wall.cellHeight) + 1);
  return [Math.min(first, end), end];
}

/**
 * Where to scroll so that a row is seen whole.
 * @param {Wall} wall
 * @param {number} row
 * @param {number} top
 * @param {number} height
 */
export function topFor(wall, row, top, height) {
  const start = row * wall.cellHeight;
  if (start < top) return start;
  return start + wall.cellHeight > top + height ? start + wall.cellHeight - height : top;
}
