/** The line of choices above the wall. */

import { element, offer, say } from "./dom.js";
import { brief, epochName } from "./numbers.js";
import { viewsIn } from "./state.js";
import { ORDERS, SCALES } from "./words.js";

/** @import {Scene} from "./scene.js" */
/** @import {Log, Run, State} from "./types.js" */

const SMALLEST = Math.log2(24);
const LARGEST = Math.log2(800);

/**
 * @typedef {object} Wishes
 * @property {(change: Partial<State>) => void} change
 * @property {(number: number, open: boolean) => void} find
 * @property {() => void} sheet
 * @property {() => void} help
 */

export class Toolbar {
  /** @param {Wishes} wishes */
  constructor(wishes) {
    const { change } = wishes;
    /** @param {keyof State} name */
    const select = (name) => {
      const made = element("select", { "data-name": name, onchange: () => change({ [name]: made.value }) });
      return made;
    };
    this.run = select("run");
    this.view = select("view");
    this.compare = select("compare");
    this.order = select("order");
    this.scale = select("scale");
    this.colours = element("select", {
      "data-name": "colours",
      // Its white would not be zero on any other scale.
      onchange: () => change(/** @type {Partial<State>} */ ({ colours: this.colours.value, ...(this.colours.value === "diverging" && this.scale.value === "all" ? { scale: "symmetric" } : {}) })),
    });
    this.size = element("input", { type: "range", min: SMALLEST, max: LARGEST, step: "any", "data-name": "size", oninput: () => change({ size: Math.round(2 ** Number(this.size.value)) }), ondblclick: () => change({ size: null }) });
    this.hide = element("input", { type: "range", min: 0, step: "any", "data-name": "hide", oninput: () => change({ hide: Number(Number(this.hide.value).toPrecision(3)) }) });
    this.hidden = element("output", { class: "value" });
    this.find = element("input", {
      type: "search", inputmode: "numeric", placeholder: "1, 2 …", size: 6, "data-name": "find",
      oninput: () => wishes.find(Number(this.find.value), false),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && wishes.find(Number(this.find.value), true),
    });
    this.fields = {
      run: labelled("run", this.run), view: labelled("view", this.view), compare: labelled("compare", this.compare),
      order: labelled("order", this.order), hide: labelled("hide below", this.hide, this.hidden),
      scale: labelled("scale", this.scale), colours: labelled("colours", this.colours),
      size: labelled("size", this.size), find: labelled("find", this.find),
    };
    this.at = element("div", { class: "toolbar", role: "toolbar", "aria-label": "what is shown" }, [
      ...Object.values(this.fields),
      element("span", { class: "spring" }),
      element("button", { type: "button", class: "quiet", text: "Download sheet", title: "The wall as one PNG", onclick: wishes.sheet }),
      element("button", { type: "button", class: "quiet", text: "?", "aria-label": "keys", title: "Keys", onclick: wishes.help }),
    ]);
  }

  /** What can be chosen of the log. @param {Log} log @param {Run} run @param {State} state @param {number[]} epochs */
  showLog(log, run, state, epochs) {
    this.fields.run.hidden = log.runs.length < 2;
    offer(this.run, log.runs.map(({ name, label }) => ({ value: name, text: label })), state.run);
    offer(this.view, viewsIn(run).map((view) => ({ value: view, text: view })), state.view);
    const others = log.runs.filter(({ name }) => name !== run.name);
    offer(this.compare, [
      { value: "", text: "off" },
      ...epochs.map((epoch) => ({ value: `e:${epoch}`, text: epoch < 0 ? "final" : `epoch ${epochName(epoch)}`, group: "with an epoch" })),
      ...others.map(({ name, label }) => ({ value: `r:${name}`, text: label, group: "with a run" })),
    ], state.compare);
  }

  /** @param {Scene} scene @param {number} size Width of a kernel. */
  show(scene, size) {
    const { state } = scene;
    const { head } = scene.sheet;
    const weights = head.mode === "levels";
    for (const name of /** @type {const} */ (["order", "scale"])) this.fields[name].hidden = !weights;
    this.fields.colours.hidden = !weights || head.rgb;
    offer(this.order, ORDERS, state.order);
    offer(this.scale, SCALES, state.scale);
    const plain = head.palette === null;
    const colours = [{ value: "grey", text: "grey" }, { value: "diverging", text: "diverging" }];
    if (!plain) colours.unshift({ value: "logged", text: `${head.colormap} (logged)` });
    offer(this.colours, colours, plain && state.colours === "logged" ? "grey" : state.colours);
    if (document.activeElement !== this.size) this.size.value = String(Math.log2(size));
    this.size.setAttribute("aria-valuetext", `${Math.round(size)} pixels`);
    this.showHide(scene);
  }

  /** @param {Scene} scene */
  showHide({ state, measures, sheet }) {
    const changes = measures.change.filter((value) => value !== null && Number.isFinite(value)).map(Number);
    const most = changes.length ? Math.max(...changes) : 0;
    this.fields.hide.hidden = sheet.head.mode !== "levels" || (!most && !state.hide);
    this.hide.max = String(Math.max(most, state.hide) || 1);
    if (document.activeElement !== this.hide) this.hide.value = String(state.hide);
    this.fields.hide.title = "Hide kernels that changed less since the first epoch";
    say(this.hidden, state.hide ? brief(state.hide) : "0");
  }
}

/** @param {string} name @param {HTMLElement} control @param {HTMLElement} [value] */
function labelled(name, control, value) {
  return element("label", { class: `field field-${name.split(" ")[0]}` }, [element("span", { text: name }), control, value ?? null]);
}
