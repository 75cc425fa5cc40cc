/** What a kernel adds up: its strongest slices, with the filters that make their input channels. */

import { coloursOf } from "./colours.js";
import { element } from "./dom.js";
import { sliceOf } from "./levels.js";
import { strongestSlices } from "./measures.js";
import { weight } from "./numbers.js";
import { ownRange, rangeAt } from "./scene.js";
import { inTime, nearest } from "./state.js";
import { paint } from "./thumbnail.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Layer, Sheet} from "./types.js" */

const MOST = 6;

// What tells best what a filter looks for; of its own weights, those that are few enough to be read.
const TELLING = ["expanded", "examples", "patterns", "kernels"];
const FEW = 4;

export class Context {
  /** @param {Library} library @param {(view: string, key: string, kernel?: number) => void} visit */
  constructor(library, visit) {
    this.library = library;
    this.visit = visit;
    this.slices = element("div", { class: "context" });
    this.at = element("section", { hidden: true }, [
      element("h3", { text: "Strongest input channels" }),
      element("p", { class: "caption", text: "Each slice, and what makes its channel." }),
      this.slices,
    ]);
    this.turn = 0;
  }

  hide() {
    this.turn++;
    this.at.hidden = true;
  }

  /** @param {Scene} scene @param {number} place */
  async show(scene, place) {
    const turn = ++this.turn;
    const { head } = scene.sheet;
    const inputs = head.inputs?.[head.inputs.length === 1 ? 0 : place];
    // Colours are one slice, and where slices have a depth they are no channels.
    if (!inputs || head.rgb || inputs.length < 2 || inputs.length !== head.window[0]) {
      this.at.hidden = true;
      return;
    }
    const shown = strongestSlices(scene.sheet, place, MOST).map(async ({ tile, norm }) => {
      const [channel, filters] = inputs[tile];
      const maker = filters.length ? await this.makerOf(scene, filters[filters.length - 1]) : null;
      return element("div", {}, [
        slice(scene, place, tile, `input channel ${channel}, norm ${weight(norm)}`),
        element("span", { text: `${channel}: ${weight(norm)}` }),
        ...(maker ? [this.button(scene, maker)] : []),
      ]);
    });
    const figures = await Promise.all(shown);
    if (turn !== this.turn) return;
    this.slices.replaceChildren(...figures);
    this.at.hidden = false;
  }

  /**
   * The picture that tells best what a filter looks for.
   * @param {Scene} scene @param {[string, number]} filter
   * @returns {Promise<{layer: Layer, sheet: Sheet, place: number, number: number} | null>}
   */
  async makerOf({ run, layer, state }, [of, number]) {
    for (const view of TELLING) {
      // A separable convolution's filters are those of its second part.
      const numbers = view === "kernels" ? [of, `${of}-2`] : [of];
      const found = run.layers.find((one) => one.view === view && numbers.includes(one.number) && one.model === layer.model);
      if (!found) continue;
      const epoch = nearest([...found.epochs].sort(inTime), state.epoch);
      const sheet = await this.library.sheetWith(run, found, epoch, number).catch(() => null);
      if (!sheet || (view === "kernels" && sheet.head.window[0] > FEW)) continue;
      return { layer: found, sheet, place: sheet.head.numbers.indexOf(number), number };
    }
    return null;
  }

  /** @param {Scene} scene @param {{layer: Layer, sheet: Sheet, place: number, number: number}} maker */
  button(scene, { layer, sheet, place, number }) {
    const canvas = element("canvas", { role: "img", "aria-label": `${layer.view} of filter ${layer.number}_${number}` });
    paint(canvas, sheet, place, ownRange(scene, sheet, place, null), coloursOf(scene.state.colours, sheet.head), 84);
    return element("button", { type: "button", title: layer.view, onclick: () => this.visit(layer.view, layer.key, number) }, [
      canvas, element("span", { text: `${layer.number}_${number}` }),
    ]);
  }
}

/** @param {Scene} scene @param {number} place @param {number} tile @param {string} label */
function slice(scene, place, tile, label) {
  const canvas = element("canvas", { role: "img", "aria-label": label });
  paint(canvas, sliceOf(scene.sheet, place, tile), 0, rangeAt(scene, place), scene.colours, 84);
  return canvas;
}
