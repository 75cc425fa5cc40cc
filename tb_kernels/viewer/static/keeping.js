/** Where the state is kept over a reload: in the address if the page is ours, else by its path. */

import { stateIn, textOf } from "./state.js";

/** @import {State} from "./types.js" */

/** Whether the address is ours to write. */
function ours() {
  return window.parent === window;
}

function key() {
  return `tb_kernels:${location.pathname}${location.search}`;
}

/** @returns {State} */
export function kept() {
  return stateIn(ours() ? location.hash.slice(1) : remembered());
}

/** @param {State} state */
export function keep(state) {
  const text = textOf(state);
  if (ours()) {
    history.replaceState(history.state, "", `#${text}`);
    return;
  }
  try {
    sessionStorage.setItem(key(), text);
  } catch {
    // A page without storage forgets.
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(key()) ?? "";
  } catch {
    return "";
  }
}

/** @param {() => void} changed When somebody writes another address, of us and not of a place. */
export function watchAddress(changed) {
  if (ours()) window.addEventListener("hashchange", () => location.hash.includes("=") && changed());
}
