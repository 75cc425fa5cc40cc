/** Weights → colours. */

/** @import {Colours, Head, Range} from "./types.js" */

// ColorBrewer's RdBu from its blue end: red is more.
const RED_BLUE = [
  [5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
  [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31],
];

// Little-endian red, green, blue, alpha: a pixel of a canvas as one number.
export const NOT_FINITE = pack(255, 0, 0);

/** @param {number} red @param {number} green @param {number} blue */
export function pack(red, green, blue) {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {number} colour @returns {[number, number, number]} */
export function apart(colour) {
  return [colour & 255, (colour >>> 8) & 255, (colour >>> 16) & 255];
}

/** @type {Uint32Array} */
export const GREYS = Uint32Array.from({ length: 256 }, (_, level) => pack(level, level, level));

/** @type {Uint32Array} */
export const DIVERGING = Uint32Array.from({ length: 256 }, (_, level) => {
  const at = (level / 255) * (RED_BLUE.length - 1);
  const below = Math.min(Math.floor(at), RED_BLUE.length - 2);
  const mixed = RED_BLUE[below].map((value, channel) =>
    Math.round(value + (at - below) * (RED_BLUE[below + 1][channel] - value)),
  );
  return pack(mixed[0], mixed[1], mixed[2]);
});

/** @param {string[]} palette 256 texts such as `"#ff8000"`. */
export function coloursIn(palette) {
  return Uint32Array.from(palette, (text) => {
    const value = Number.parseInt(text.slice(1), 16);
    return pack(value >> 16, (value >> 8) & 255, value & 255);
  });
}

/**
 * The 256 colours from the lowest to the highest weight.
 * @param {Colours} colours
 * @param {Head} head
 */
export function coloursOf(colours, head) {
  if (head.rgb || colours === "grey") return GREYS;
  if (colours === "diverging") return DIVERGING;
  return head.palette && head.palette.length === 256 ? coloursIn(head.palette) : GREYS;
}

/**
 * Where in the 256 colours a weight stands; what is beyond an end is drawn as that end.
 * @param {number} weight
 * @param {Range} range
 */
export function indexOf(weight, [low, high]) {
  // As the loggers draw what is all of one weight.
  if (high <= low) return weight > high ? 255 : weight < low ? 0 : 128;
  const index = Math.round(((weight - low) / (high - low)) * 255);
  return index < 0 ? 0 : index > 255 ? 255 : index;
}

/**
 * Where each of the 256 levels of a picture stands in the colours of a scale.
 * @param {Range} limits What the picture's levels mean.
 * @param {Range} range What the scale's ends mean.
 */
export function indexesOf([low, high], range) {
  return Uint8Array.from({ length: 256 }, (_, level) =>
    indexOf(low + (level / 255) * (high - low), range),
  );
}
