/** What is said of a kernel on the wall, below it and to those who do not see it. */

import { brief, weight } from "./numbers.js";
import { nounOf } from "./words.js";

/** @import {Scene} from "./scene.js" */

/** @param {Scene} scene @param {number} place */
export function captionOf(scene, place) {
  const { head } = scene.sheet;
  return head.captions[place] || `${nounOf(scene.layer.view)} ${head.numbers[place]}`;
}

/** @param {Scene} scene @param {number} place */
export function labelOf(scene, place) {
  const parts = [captionOf(scene, place)];
  if (scene.sheet.head.mode === "pictures") return parts[0];
  const { measures } = scene;
  if (measures.bad[place]) parts.push("some weights are not finite");
  else parts.push(`norm ${weight(measures.norm[place])}`);
  if (measures.zero[place]) parts.push("near zero");
  if (measures.inactive?.[place]) parts.push("never active on the inputs that were logged");
  const change = measures.change[place];
  if (change !== null && Number.isFinite(change)) parts.push(`changed by ${weight(change)}`);
  return parts.join(", ");
}

/**
 * What stands beside the number, as far as there is room.
 * @param {Scene} scene
 * @param {number} place
 * @param {number} room In CSS pixels.
 * @returns {{text: string, kind: string}[]}
 */
export function marksOf(scene, place, room) {
  const { measures, state } = scene;
  const { head } = scene.sheet;
  const number = head.numbers[place];
  if (head.mode === "pictures") {
    const caption = (head.captions[place] ?? "").replace(new RegExp(`^\\w+ ${number}: `), "");
    return caption ? [{ text: caption, kind: "caption" }] : [];
  }
  const wide = room >= 76;
  if (measures.bad[place]) return [{ text: wide ? "not finite" : "!", kind: "bad" }];
  if (measures.zero[place]) return [{ text: wide ? "near zero" : "≈0", kind: "zero" }];
  if (measures.inactive?.[place]) return [{ text: wide ? "never active" : "off", kind: "zero" }];
  if (state.order === "number" || room < 64) return [];
  const value = measures[state.order][place];
  return value === null ? [] : [{ text: brief(value), kind: "value" }];
}
