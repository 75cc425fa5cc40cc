/** The layers of a view, in the order of the network. */

import { element, offer, svg } from "./dom.js";
import { count } from "./numbers.js";
import { extent, pathOf, statisticsOf } from "./times.js";
import { nounOf, shapeName } from "./words.js";

/** @import {Curve, Curves, Layer} from "./types.js" */

const MARK = { width: 46, height: 18 };

export class Layers {
  /** @param {(key: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.list = element("ul", { class: "layer-list" });
    this.select = element("select", {
      "aria-label": "layer",
      onchange: () => choose(this.select.value),
    });
    this.at = element("nav", { class: "layers", "aria-label": "layers" }, [this.select, this.list]);
    this.shown = "";
  }

  /** @param {Layer[]} layers @param {string} chosen @param {Curves} curves */
  show(layers, chosen, curves) {
    const texts = layers.map((layer) => ({ value: layer.key, text: `${layer.number}  ${layer.name}  ${shapeName(layer.shape)}` }));
    offer(this.select, texts, chosen);
    const now = JSON.stringify([layers, curves.kernels ?? null]);
    if (now !== this.shown) {
      this.shown = now;
      this.list.replaceChildren(...layers.map((layer) => this.entry(layer, curves)));
    }
    for (const button of this.list.querySelectorAll("button")) {
      const current = button.dataset.key === chosen;
      if (current && button.getAttribute("aria-current") !== "true") button.scrollIntoView({ block: "nearest" });
      button.setAttribute("aria-current", String(current));
    }
  }

  /** @param {Layer} layer @param {Curves} curves */
  entry(layer, curves) {
    const statistics = statisticsOf(curves, layer);
    const [title, curve] = statistics.relative_change
      ? ["change of its weights, by epoch", statistics.relative_change]
      : ["mean norm of its kernels, by epoch", statistics.kernel_norm];
    const number = layer.kernels ? count(layer.kernels, nounOf(layer.view)) : "sheet only";
    const button = element("button", { type: "button", "data-key": layer.key, onclick: () => this.choose(layer.key) }, [
      element("span", { class: "layer-number", text: layer.number }),
      element("span", { class: "layer-name", text: layer.name, title: layer.name }),
      curve ? sparkline(curve, title) : element("span"),
      element("span", { class: "layer-facts", text: [shapeName(layer.shape), number].filter(Boolean).join(" · ") }),
    ]);
    return element("li", {}, [button]);
  }
}

/** @param {Curve} curve @param {string} title */
function sparkline(curve, title) {
  const range = extent([curve]);
  const { width, height } = MARK;
  const low = curve.epochs[0] ?? 0;
  const high = curve.epochs[curve.epochs.length - 1] ?? 0;
  /** @param {number} epoch */
  const x = (epoch) => (high === low ? width / 2 : 1 + ((epoch - low) / (high - low)) * (width - 2));
  // From zero, so that layers which hardly change look as if they hardly change.
  const bottom = Math.min(0, range ? range[0] : 0);
  const top = range ? range[1] : 1;
  /** @param {number} value */
  const y = (value) => height - 2 - ((value - bottom) / (top - bottom || 1)) * (height - 4);
  const inside = [svg("path", { d: range ? pathOf(curve, x, y) : "" })];
  return svg("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, [
    ...inside,
    svg("title", { text: title }),
  ]);
}
