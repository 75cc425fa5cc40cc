/** One slider over the logged epochs, beside a curve of the same training. */

import { element, offer, say, svg } from "./dom.js";
import { brief, epochName, epochTitle } from "./numbers.js";
import { axisOf, extent, pathOf, statisticsOf, stepFrom, stopAt, tagsIn, titleOf } from "./times.js";

/** @import {Curve, Curves, Layer, State} from "./types.js" */
/** @import {Axis} from "./times.js" */

const HEIGHT = 104;
const TRACK = 76;
const PADDING = 26;
const MILLISECONDS = 600;

export class Timeline {
  /**
   * @param {(epoch: number) => void} move
   * @param {(curve: string) => void} choose
   */
  constructor(move, choose) {
    this.move = move;
    this.timer = 0;
    this.button = element("button", { type: "button", class: "play", onclick: () => this.toggle() });
    this.select = element("select", { "aria-label": "curve", class: "curve", onchange: () => choose(this.select.value) });
    this.told = element("span", { class: "told", "aria-live": "off" });
    this.key = element("span", { class: "key" });
    this.chart = svg("svg", { class: "chart", role: "slider", tabindex: "0", "aria-label": "epoch" });
    this.at = element("section", { class: "timeline", "aria-label": "epochs" }, [
      element("div", { class: "time-head" }, [this.button, this.select, this.key, this.told]),
      this.chart,
    ]);
    /** @type {Axis} */
    this.axis = { x: () => 0, stops: [] };
    /** @type {{state: State, layer: Layer, epochs: number[], curves: Curves} | null} */
    this.shown = null;
    this.chart.addEventListener("pointerdown", (event) => this.dragged(event));
    this.chart.addEventListener("pointermove", (event) => event.buttons && this.dragged(event));
    new ResizeObserver(() => this.draw()).observe(this.chart);
    this.playing(false);
  }

  /** @param {State} state @param {Layer} layer @param {number[]} epochs @param {Curves} curves */
  show(state, layer, epochs, curves) {
    this.shown = { state, layer, epochs, curves };
    const own = Object.keys(statisticsOf(curves, layer));
    const tags = tagsIn(curves);
    const options = [
      ...tags.map((tag) => ({ value: tag, text: titleOf(tag) })),
      ...own.map((kind) => ({ value: kind, text: titleOf(kind), group: "this layer" })),
    ];
    this.curve = options.some(({ value }) => value === state.curve) ? state.curve : (options[0]?.value ?? "");
    offer(this.select, options, this.curve);
    this.select.hidden = !options.length;
    this.draw();
  }

  /** The curves of what is chosen, by who wrote them. @returns {[string, Curve][]} */
  lines() {
    if (!this.shown) return [];
    const { curves, layer } = this.shown;
    const own = statisticsOf(curves, layer)[this.curve ?? ""];
    if (own) return [["layer", own]];
    /** @type {[string, Curve | undefined][]} */
    const lines = ["train", "validation"].map((writer) => [writer, curves[writer]?.[this.curve ?? ""]]);
    return /** @type {[string, Curve][]} */ (lines.filter(([, curve]) => curve));
  }

  draw() {
    const width = this.chart.clientWidth;
    if (!this.shown || !width) return;
    const { state, epochs } = this.shown;
    const lines = this.lines();
    this.axis = axisOf(epochs, lines.map(([, curve]) => curve), PADDING, width - PADDING);
    const { x } = this.axis;
    const range = extent(lines.map(([, curve]) => curve));
    /** @param {number} value */
    const y = (value) => (range ? TRACK - 14 - ((value - range[0]) / (range[1] - range[0])) * (TRACK - 22) : 0);
    this.chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const now = x(state.epoch);
    this.chart.replaceChildren(
      svg("line", { class: "track", x1: PADDING, x2: width - PADDING, y1: TRACK, y2: TRACK }),
      svg("line", { class: "now", x1: now, x2: now, y1: 4, y2: TRACK }),
      ...lines.map(([writer, curve]) => svg("path", { class: `line ${writer}`, d: pathOf(curve, x, y) })),
      ...lines.flatMap(([writer, curve]) => {
        const value = curve.values[curve.epochs.indexOf(state.epoch)];
        return value === null || value === undefined ? [] : [svg("circle", { class: `point ${writer}`, cx: now, cy: y(value), r: 3.5 })];
      }),
      ...this.stops(),
    );
    this.tell(lines);
  }

  /** A mark for each logged epoch, and its number where there is room. */
  stops() {
    const chosen = this.shown?.state.epoch;
    /** @type {SVGElement[]} */
    const marks = [];
    let free = -Infinity;
    const at = this.axis.x(chosen ?? 0);
    for (const epoch of this.axis.stops) {
      const x = this.axis.x(epoch);
      const current = epoch === chosen;
      const kind = `stop${current ? " current" : ""}${epoch === 0 ? " before" : ""}${epoch < 0 ? " final" : ""}`;
      const size = current ? 7 : 4.5;
      marks.push(
        epoch === 0 || epoch < 0
          ? svg("rect", { class: kind, x: x - size, y: TRACK - size, width: 2 * size, height: 2 * size, transform: epoch < 0 ? `rotate(45 ${x} ${TRACK})` : "" })
          : svg("circle", { class: kind, cx: x, cy: TRACK, r: size }),
      );
      const text = epoch === 0 ? "0" : epochName(epoch);
      const wide = 7 * text.length + 8;
      const hidden = !current && (x - wide / 2 < free || Math.abs(x - at) < wide);
      if (hidden) continue;
      free = x + wide / 2;
      marks.push(svg("text", { class: kind, x, y: HEIGHT - 8, text }));
    }
    return marks;
  }

  /** @param {[string, Curve][]} lines */
  tell(lines) {
    if (!this.shown) return;
    const { state, epochs } = this.shown;
    const values = lines.map(([writer, curve]) => {
      const value = curve.values[curve.epochs.indexOf(state.epoch)];
      return value === undefined ? "" : `${writer === "layer" ? "" : `${writer} `}${brief(value)}`;
    });
    const text = [epochTitle(state.epoch), ...values.filter(Boolean)].join(" · ");
    say(this.told, text);
    this.key.replaceChildren(
      ...lines.filter(([writer]) => writer !== "layer").map(([writer]) => element("span", { class: `key-${writer}`, text: writer })),
    );
    this.chart.setAttribute("aria-valuemin", "0");
    this.chart.setAttribute("aria-valuemax", String(Math.max(0, epochs.length - 1)));
    this.chart.setAttribute("aria-valuenow", String(Math.max(0, epochs.indexOf(state.epoch))));
    this.chart.setAttribute("aria-valuetext", text);
  }

  /** @param {PointerEvent} event */
  dragged(event) {
    if (!this.axis.stops.length) return;
    if (event.type === "pointerdown") this.chart.setPointerCapture(event.pointerId);
    this.playing(false);
    const { left } = this.chart.getBoundingClientRect();
    this.go(stopAt(this.axis, event.clientX - left));
  }

  /** @param {number} epoch */
  go(epoch) {
    if (epoch !== this.shown?.state.epoch) this.move(epoch);
  }

  /** So many logged epochs further. @param {number} by */
  step(by) {
    if (this.shown) this.go(stepFrom(this.axis.stops, this.shown.state.epoch, by));
  }

  toggle() {
    this.playing(!this.timer);
  }

  /** @param {boolean} on */
  playing(on) {
    clearInterval(this.timer);
    this.timer = 0;
    const stops = this.axis?.stops ?? [];
    if (on && stops.length > 1) {
      if (this.shown?.state.epoch === stops[stops.length - 1]) this.go(stops[0]);
      this.timer = window.setInterval(() => {
        if (this.shown?.state.epoch === stops[stops.length - 1]) this.playing(false);
        else if (!this.busy?.()) this.step(1);
      }, MILLISECONDS);
    }
    say(this.button, this.timer ? "❚❚" : "▶");
    this.button.setAttribute("aria-label", this.timer ? "pause" : "play the epochs");
    this.button.title = `${this.timer ? "Pause" : "Play"} (space)`;
  }

  /** Whether the last epoch asked for is still to come. @type {(() => boolean) | undefined} */
  busy;
}
