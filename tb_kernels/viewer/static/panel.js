/** One kernel: large, over all epochs, and in the other views of its run. */

import { Context } from "./context.js";
import { element, say } from "./dom.js";
import { labelOf } from "./labels.js";
import { weightsOf } from "./levels.js";
import { norm } from "./measures.js";
import { epochName, epochTitle, weight } from "./numbers.js";
import { coloursOf } from "./colours.js";
import { Portrait } from "./portrait.js";
import { rangeOfWeights } from "./scales.js";
import { ownRange } from "./scene.js";
import { areBeside, inTime, nearest } from "./state.js";
import { paint } from "./thumbnail.js";
import { nounOf } from "./words.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Layer, Sheet} from "./types.js" */

/**
 * @typedef {object} Wishes
 * @property {() => void} close
 * @property {(epoch: number) => void} move
 * @property {() => void} enlarge
 * @property {() => Promise<string>} copy What it says when it is done.
 * @property {() => Promise<string>} download
 * @property {(view: string, key: string, kernel?: number) => void} visit
 */

export class Panel {
  /** @param {Library} library @param {Wishes} wishes */
  constructor(library, wishes) {
    this.library = library;
    this.wishes = wishes;
    this.portrait = new Portrait();
    this.title = element("h2");
    this.caption = element("p", { class: "caption" });
    this.facts = element("p", { class: "facts" });
    this.strip = element("div", { class: "strip" });
    this.views = element("div", { class: "views" });
    this.viewsTitle = element("h3", { text: "Same address in other views" });
    this.context = new Context(library, wishes.visit);
    this.done = element("p", { class: "done", role: "status" });
    this.body = element("div", { class: "panel-body" }, [
      this.portrait.at, this.facts,
      element("div", { class: "actions" }, [
        element("button", { type: "button", text: "Enlarge", onclick: () => wishes.enlarge() }),
        element("button", { type: "button", text: "Copy PNG", onclick: async () => say(this.done, await wishes.copy()) }),
        element("button", { type: "button", text: "Download strip", onclick: async () => say(this.done, await wishes.download()) }),
      ]),
      this.done,
      element("h3", { text: "Epochs" }), this.strip, this.viewsTitle, this.views, this.context.at,
    ]);
    this.at = element("aside", { class: "panel", "aria-label": "one kernel", hidden: true }, [
      element("header", {}, [
        element("div", {}, [this.title, this.caption]),
        element("button", { type: "button", class: "close", "aria-label": "close", title: "Close (Esc)", text: "✕", onclick: () => wishes.close() }),
      ]),
      this.body,
    ]);
    this.turn = 0;
    this.built = "";
  }

  hide() {
    this.turn++;
    this.context.hide();
    this.at.hidden = true;
    this.built = "";
  }

  /** @param {Scene} scene @param {number} place */
  async show(scene, place) {
    const turn = ++this.turn;
    const { head } = scene.sheet;
    const number = head.numbers[place];
    this.at.hidden = false;
    say(this.title, `${scene.layer.number}_${number}`);
    say(this.caption, head.captions[place] ?? "");
    say(this.done, "");
    say(this.facts, factsOf(scene, place));
    this.portrait.canvas.setAttribute("aria-label", `${labelOf(scene, place)}, at ${epochTitle(scene.state.epoch)}`);
    this.portrait.show(scene, place, this.body.clientWidth - 34, Math.min(300, window.innerHeight * 0.34));
    const built = JSON.stringify([scene.run.name, scene.layer.view, scene.layer.key, number, scene.epochs, scene.layer.versions]);
    if (built !== this.built) {
      this.built = built;
      this.strip.replaceChildren(...scene.epochs.map((epoch) => this.frame(epoch)));
      this.views.replaceChildren();
      this.body.scrollTop = 0;
    }
    for (const button of this.strip.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(Number(button.dataset.epoch) === scene.state.epoch));
    }
    await Promise.all([this.fillStrip(scene, number, turn), this.fillViews(scene, number, turn), this.context.show(scene, place)]);
  }

  /** @param {number} epoch */
  frame(epoch) {
    return element("button", { type: "button", "data-epoch": epoch, title: epochTitle(epoch), onclick: () => this.wishes.move(epoch) }, [
      element("canvas", { role: "img" }), element("span", { text: epochName(epoch) }),
    ]);
  }

  /** @param {Scene} scene @param {number} number @param {number} turn */
  async fillStrip(scene, number, turn) {
    for (const button of this.strip.querySelectorAll("button")) {
      const epoch = Number(button.dataset.epoch);
      const sheet = await this.library.sheetWith(scene.run, scene.layer, epoch, number).catch(() => null);
      if (turn !== this.turn) return;
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      const there = sheet ? sheet.head.numbers.indexOf(number) : -1;
      button.classList.toggle("missing", !sheet || there < 0);
      if (!sheet || there < 0) continue;
      const range = ownRange(scene, sheet, there, scene.range);
      paint(canvas, sheet, there, range, coloursOf(scene.state.colours, sheet.head), 66);
      canvas.setAttribute("aria-label", `at ${epochTitle(epoch)}`);
      if (sheet.head.mode === "levels") {
        const [low, high] = rangeOfWeights(weightsOf(sheet, there));
        button.title = `${epochTitle(epoch)}: ${weight(low)} … ${weight(high)}`;
      }
    }
  }

  /** @param {Scene} scene @param {number} number @param {number} turn */
  async fillViews(scene, number, turn) {
    // An input's number is no kernel's.
    const fits = (/** @type {Layer} */ { view }) => view !== scene.layer.view && (nounOf(view) === "input") === (nounOf(scene.layer.view) === "input");
    const others = scene.run.layers.filter((layer) => areBeside(layer, scene.layer) && fits(layer) && layer.kernels);
    /** @type {HTMLElement[]} */
    const figures = [];
    for (const layer of others) {
      const epoch = nearest([...layer.epochs].sort(inTime), scene.state.epoch);
      const sheet = await this.library.sheetWith(scene.run, layer, epoch, number).catch(() => null);
      if (turn !== this.turn) return;
      const there = sheet ? sheet.head.numbers.indexOf(number) : -1;
      if (sheet && there >= 0) figures.push(this.figure(scene, layer, sheet, there, epoch));
    }
    this.viewsTitle.hidden = !figures.length;
    this.views.replaceChildren(...figures);
  }

  /** @param {Scene} scene @param {Layer} layer @param {Sheet} sheet @param {number} place @param {number} epoch */
  figure(scene, layer, sheet, place, epoch) {
    const canvas = element("canvas", { role: "img", "aria-label": `${layer.view}: ${sheet.head.captions[place] ?? ""}` });
    // Another view has another unit, so that it has a scale of its own.
    paint(canvas, sheet, place, ownRange(scene, sheet, place, null), coloursOf(scene.state.colours, sheet.head), 120);
    const late = epoch === scene.state.epoch ? "" : ` · ${epochTitle(epoch)}`;
    return element("button", { type: "button", onclick: () => this.wishes.visit(layer.view, layer.key) }, [
      canvas,
      element("b", { text: layer.view }),
      element("span", { text: `${sheet.head.captions[place] ?? ""}${late}` }),
    ]);
  }
}

/** @param {Scene} scene @param {number} place */
function factsOf(scene, place) {
  const { sheet, measures, epochs } = scene;
  if (sheet.head.mode === "pictures") return "";
  const weights = weightsOf(sheet, place);
  const [low, high] = rangeOfWeights(weights);
  const facts = [`${weight(low)} … ${weight(high)}`, measures.bad[place] ? "some weights are not finite" : `norm ${weight(norm(weights))}`];
  if (measures.zero[place]) facts.push("near zero");
  const change = measures.change[place];
  if (change !== null && Number.isFinite(change)) facts.push(`changed by ${weight(change)} since ${epochTitle(epochs[0]).split(",")[0]}`);
  return facts.join(" · ");
}
