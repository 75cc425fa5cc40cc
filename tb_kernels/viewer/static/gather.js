/** What a scene needs, fetched: first what is seen, then what may be seen next. */

import { inactiveIn, measure } from "./measures.js";
import { epochTitle } from "./numbers.js";
import { sceneOf } from "./scene.js";
import { alike, areBeside, inTime, layersIn, nearest, runOf } from "./state.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Layer, Log, Range, Run, Sheet, State} from "./types.js" */

/** @typedef {WeakMap<Sheet, {first: Sheet | null, previous: Sheet | null, measures: import("./measures.js").Measures}>} Measured */

/** @type {Measured} */
const measured = new WeakMap();

/**
 * @param {Library} library
 * @param {Log} log
 * @param {State} state That fits the log.
 * @returns {Promise<Scene | null>} Null where the layer has nothing to draw.
 */
export async function gather(library, log, state) {
  const run = /** @type {Run} */ (runOf(log, state));
  const layer = layersIn(run, state.view).find(({ key }) => key === state.layer);
  if (!layer) return null;
  const epochs = [...layer.epochs].sort(inTime);
  const at = epochs.indexOf(state.epoch);
  const wanted = library.sheet(run, layer, state.epoch);
  const against = otherOf(log, run, layer, state);
  const ranges = rangesOf(library, state, [[run, layer], ...(against && against.run !== run ? [/** @type {[Run, Layer]} */ ([against.run, against.layer])] : [])]);
  /** @param {number} epoch */
  const beside = (epoch) => library.sheet(run, layer, epoch).catch(() => null);
  const [sheet, other, first, previous, activations, known] = await Promise.all([
    wanted,
    against ? library.sheet(against.run, against.layer, against.epoch) : null,
    beside(epochs[0]),
    at > 0 ? beside(epochs[at - 1]) : null,
    activationsOf(library, run, layer, state.epoch),
    ranges,
  ]);
  const measures = { ...measuresOf(sheet, first, previous) };
  if (activations) measures.inactive = inactiveIn(sheet, activations);
  const parts = { state, run, layer, epochs, sheet, other, otherName: against?.name ?? "", measures };
  return sceneOf(parts, known);
}

/**
 * What the same kernels let through of some inputs, where that was logged as numbers.
 * @param {Library} library @param {Run} run @param {Layer} layer @param {number} epoch
 * @returns {Promise<Sheet | null>}
 */
async function activationsOf(library, run, layer, epoch) {
  const there = run.layers.find((one) => one.view === "activations" && areBeside(one, layer));
  if (layer.view !== "kernels" || !there?.epochs.includes(epoch)) return null;
  const sheet = await library.sheet(run, there, epoch).catch(() => null);
  return sheet?.head.mode === "levels" ? sheet : null;
}

/** @param {Sheet} sheet @param {Sheet | null} first @param {Sheet | null} previous */
function measuresOf(sheet, first, previous) {
  const here = measured.get(sheet);
  if (here && here.first === first && here.previous === previous) return here.measures;
  const weighs = sheet.head.mode === "levels";
  const none = sheet.head.numbers.map(() => null);
  const no = sheet.head.numbers.map(() => false);
  const measures = weighs ? measure(sheet, first, previous) : { norm: none.map(() => 0), change: none, step: none, zero: no, bad: no };
  measured.set(sheet, { first, previous, measures });
  return measures;
}

/**
 * @param {Log} log @param {Run} run @param {Layer} layer @param {State} state
 * @returns {{run: Run, layer: Layer, epoch: number, name: string} | null}
 */
function otherOf(log, run, layer, state) {
  const what = state.compare.slice(2);
  if (state.compare.startsWith("e:")) return { run, layer, epoch: Number(what), name: epochTitle(Number(what)).split(",")[0] };
  const other = state.compare.startsWith("r:") ? log.runs.find(({ name }) => name === what) : undefined;
  const same = other && alike(other, layer.view, layer);
  if (!other || !same) return null;
  const epoch = nearest([...same.epochs].sort(inTime), state.epoch);
  return { run: other, layer: same, epoch, name: `${other.label}, ${epochTitle(epoch).split(",")[0]}` };
}

/**
 * What was logged of layers at all epochs, where the scale asks for it.
 * @param {Library} library @param {State} state @param {[Run, Layer][]} layers
 * @returns {Promise<Range[]>}
 */
async function rangesOf(library, state, layers) {
  if (state.scale !== "all" && state.scale !== "symmetric") return [];
  const asked = layers.map(([run, layer]) => library.range(run, layer).catch(() => null));
  return (await Promise.all(asked)).filter((range) => range !== null);
}

/** Fetches what lies beside the chosen epoch. @param {Library} library @param {Scene} scene */
export function prefetch(library, { run, layer, epochs, state }) {
  const at = epochs.indexOf(state.epoch);
  /** @param {number} epoch */
  const sheet = (epoch) => library.sheet(run, layer, epoch).catch(() => null);
  for (const next of [at + 1, at - 1, at + 2].filter((one) => one in epochs)) {
    const wanted = [epochs[next], epochs[0], epochs[next - 1]].map((one) => (one === undefined ? null : sheet(one)));
    Promise.all(wanted).then(([own, first, previous]) => {
      // Measured before it is asked for, which takes some time of a large layer.
      if (own) whenIdle(() => measuresOf(own, first, previous));
    });
  }
}

/** @param {() => void} deed */
function whenIdle(deed) {
  if (typeof requestIdleCallback === "function") requestIdleCallback(deed);
  else setTimeout(deed, 50);
}
