/** The pictures that people take away: a kernel, its strip, the wall. */

import { coloursOf } from "./colours.js";
import { Changed } from "./fetching.js";
import { planOf } from "./geometry.js";
import { epochName } from "./numbers.js";
import { coloursIn, draw } from "./painting.js";
import { copy, download, pngOf, sheetOf } from "./saving.js";
import { faces, ownRange } from "./scene.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */

/** @param {Scene} scene @param {number} [number] */
function nameOf({ layer, state }, number) {
  const epoch = number === undefined || state.kernel === null ? `_${epochName(state.epoch)}` : "";
  return `${layer.view}_${layer.number}${number === undefined ? "" : `_${number}`}${epoch}.png`;
}

/** Large enough for a slide. @param {Scene} scene */
function scaleOf(scene) {
  const { width } = planOf(scene.sheet.head, 1);
  return Math.max(1, Math.round(240 / width));
}

/** @param {Scene} scene @param {number} place @returns {Promise<string>} */
export function copyKernel(scene, place) {
  const { head } = scene.sheet;
  const cell = { painted: faces(scene, place), label: `${scene.layer.number}_${head.numbers[place]}_${epochName(scene.state.epoch)}` };
  return copy(sheetOf([cell], (scale) => planOf(head, scale), scaleOf(scene), 1, draw));
}

/** @param {Library} library @param {Scene} scene @param {number} place @returns {Promise<string>} */
export async function saveStrip(library, scene, place) {
  const number = scene.sheet.head.numbers[place];
  const cells = [];
  for (const epoch of scene.epochs) {
    const sheet = await library.sheetWith(scene.run, scene.layer, epoch, number).catch((error) => {
      if (error instanceof Changed) throw error;
      return null;
    });
    const there = sheet ? sheet.head.numbers.indexOf(number) : -1;
    if (!sheet || there < 0) continue;
    const range = ownRange(scene, sheet, there, scene.range);
    const painted = [coloursIn(sheet, there, range, coloursOf(scene.state.colours, sheet.head))];
    cells.push({ painted, label: `${scene.layer.number}_${number}_${epochName(epoch)}` });
  }
  const canvas = sheetOf(cells, (scale) => planOf(scene.sheet.head, scale), scaleOf(scene), Math.min(cells.length, 12), draw);
  download(await pngOf(canvas), nameOf(scene, number));
  return "Downloaded.";
}

/** @param {Scene} scene @param {number} columns @param {number} scale @returns {Promise<string>} */
export async function saveSheet(scene, columns, scale) {
  const { head } = scene.sheet;
  if (!scene.places.length) return "There is nothing on the wall.";
  const cells = scene.places.map((place) => ({ painted: faces(scene, place), label: String(head.numbers[place]) }));
  const canvas = sheetOf(cells, (at) => planOf(head, at), scale, columns, draw);
  download(await pngOf(canvas), nameOf(scene));
  return "Downloaded.";
}
