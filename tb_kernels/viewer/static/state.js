/** What a person has chosen, as text, and made to fit what is logged. */

/** @import {Layer, Log, Run, State} from "./types.js" */

/** @type {State} */
export const START = {
  run: "", view: "", layer: "", epoch: NaN, kernel: null, compare: "", order: "number", hide: 0,
  scale: "all", colours: "logged", size: null, curve: "",
};

const CHOICES = {
  order: ["number", "change", "step", "norm"],
  scale: ["epoch", "all", "kernel", "symmetric"],
  colours: ["logged", "grey", "diverging"],
};

/** Only what differs from the start is said. @param {State} state */
export function textOf(state) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (Object.is(value, START[/** @type {keyof State} */ (name)]) || value === null) continue;
    said.set(name, String(value));
  }
  return said.toString();
}

/** What is wrong or missing is as at the start. @param {string} text @returns {State} */
export function stateIn(text) {
  const said = new URLSearchParams(text);
  /** @type {any} */
  const state = { ...START };
  for (const [name, value] of said) {
    if (!Object.hasOwn(START, name)) continue;
    if (name in CHOICES) {
      if (CHOICES[/** @type {keyof CHOICES} */ (name)].includes(value)) state[name] = value;
    } else if (["epoch", "kernel", "hide", "size"].includes(name)) {
      if (value.trim() && Number.isFinite(Number(value))) state[name] = Number(value);
    } else state[name] = value;
  }
  if (!(state.hide >= 0)) state.hide = 0;
  if (state.size !== null && !(state.size > 0)) state.size = null;
  return state;
}

/** @param {Log} log @param {State} state @returns {Run | undefined} */
export function runOf(log, state) {
  return log.runs.find((run) => run.name === state.run) ?? log.runs[0];
}

/** Whether two views show the same layer of one model. @param {Layer} one @param {Layer} two */
export function areBeside(one, two) {
  return one.number === two.number && one.model === two.model;
}

/** @param {Run} run @param {string} view */
export function layersIn(run, view) {
  return run.layers.filter((layer) => layer.view === view);
}

/** @param {Run} run */
export function viewsIn(run) {
  return [...new Set(run.layers.map((layer) => layer.view))];
}

/**
 * The layer of a run and view that is the same in another: by key, else by number.
 * @param {Run} run @param {string} view @param {{key: string, number?: string}} like
 * @returns {Layer | undefined}
 */
export function alike(run, view, like) {
  const layers = layersIn(run, view);
  return (
    layers.find((layer) => layer.key === like.key) ??
    layers.find((layer) => layer.number === (like.number ?? like.key.split("-")[0]))
  );
}

/** Ascending, and final last. @param {number} one @param {number} two */
export function inTime(one, two) {
  return (one < 0 ? Infinity : one) - (two < 0 ? Infinity : two) || 0;
}

/** The logged epoch that is nearest; of two the earlier. @param {number[]} epochs @param {number} wanted */
export function nearest(epochs, wanted) {
  if (!epochs.length) return NaN;
  const last = epochs[epochs.length - 1];
  if (epochs.includes(wanted)) return wanted;
  if (!(wanted >= 0)) return last;
  const plain = epochs.filter((epoch) => epoch >= 0);
  if (!plain.length) return last;
  return plain.reduce((best, epoch) =>
    Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best,
  );
}

/**
 * The state with what the log does not have replaced by what is nearest to it.
 * @param {Log} log
 * @param {State} state
 * @returns {State}
 */
export function fit(log, state) {
  const run = runOf(log, state);
  if (!run) return state;
  const views = viewsIn(run);
  const view = views.includes(state.view) ? state.view : (views[0] ?? "");
  const layer = alike(run, view, { key: state.layer }) ?? layersIn(run, view)[0];
  const epochs = layer ? [...layer.epochs].sort(inTime) : [];
  const epoch = nearest(epochs, state.epoch);
  const [kind, other] = [state.compare.slice(0, 2), state.compare.slice(2)];
  const fits =
    (kind === "e:" && epochs.includes(Number(other))) ||
    (kind === "r:" && other !== run.name && log.runs.some((one) => one.name === other));
  return {
    ...state, run: run.name, view, layer: layer ? layer.key : "", epoch,
    compare: fits ? state.compare : "",
  };
}
