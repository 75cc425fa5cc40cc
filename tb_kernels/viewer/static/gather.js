/** What a scene needs, fetched: first what is seen, then what may be seen next. */

import { inactiveIn, measure } from "./measures.js";
import { epochTitle } from "./numbers.js";
import { sceneOf } from "./scene.js";
import { alike, areBeside, inTime, layersIn, nearest, runOf } from "./state.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Head, Layer, Log, Run, Sheet, State} from "./types.js" */

// So long a wall waits for the limits of all epochs before it shows what it knows.
const PATIENCE = 1500;

/** @typedef {WeakMap<Sheet, {first: Sheet | null, previous: Sheet | null, measures: import("./measures.js").Measures}>} Measured */

/** @type {Measured} */
const measured = new WeakMap();

/**
 * @param {Library} library
 * @param {Log} log
 * @param {State} state That fits the log.
 * @returns {Promise<{scene: Scene, whole: Promise<unknown> | null} | null>} `whole` comes when a
 *   scale that is not complete can be; null where the layer has nothing to draw.
 */
export async function gather(library, log, state) {
  const run = /** @type {Run} */ (runOf(log, state));
  const layer = layersIn(run, state.view).find(({ key }) => key === state.layer);
  if (!layer) return null;
  const epochs = [...layer.epochs].sort(inTime);
  const at = epochs.indexOf(state.epoch);
  const wanted = library.sheet(run, layer, state.epoch);
  const against = otherOf(log, run, layer, state);
  const heads = headsOf(library, state, [[run, layer], ...(against && against.run !== run ? [/** @type {[Run, Layer]} */ ([against.run, against.layer])] : [])]);
  /** @param {number} epoch */
  const beside = (epoch) => library.sheet(run, layer, epoch).catch(() => null);
  const [sheet, other, first, previous, activations, known] = await Promise.all([
    wanted,
    against ? library.sheet(against.run, against.layer, against.epoch) : null,
    beside(epochs[0]),
    at > 0 ? beside(epochs[at - 1]) : null,
    activationsOf(library, run, layer, state.epoch),
    heads,
  ]);
  const measures = { ...measuresOf(sheet, first, previous) };
  if (activations) measures.inactive = inactiveIn(sheet, activations);
  const partial = known.heads.length < known.count;
  const parts = { state, run, layer, epochs, sheet, other, otherName: against?.name ?? "", measures, partial };
  return { scene: sceneOf(parts, known.heads), whole: partial ? known.all : null };
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
 * The limits of all epochs, or after some time of those that are here.
 * @param {Library} library @param {State} state @param {[Run, Layer][]} layers
 */
async function headsOf(library, state, layers) {
  /** @type {Head[]} */
  const heads = [];
  if (state.scale !== "all" && state.scale !== "symmetric") return { heads, count: 0, all: null };
  let count = 0;
  const asked = layers.flatMap(([run, layer]) => layer.epochs.map((epoch) => {
    count++;
    // An epoch that cannot be read has no part in the scale, and says so where it is shown.
    return library.head(run, layer, epoch).then((head) => heads.push(head), () => count--);
  }));
  const all = Promise.all(asked);
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  return { heads: [...heads], count, all };
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
