/** Keys that do something wherever one is in the viewer. */

/**
 * @typedef {object} Deeds
 * @property {(by: number) => void} epoch
 * @property {(by: number, row: boolean) => void} kernel
 * @property {() => void} play
 * @property {() => void} close
 * @property {() => void} find
 * @property {() => void} enlarge
 */

export const HELP = [
  ["← →", "epoch before, epoch after"],
  ["space", "play, pause"],
  ["↑ ↓", "kernels: a row up, a row down"],
  ["shift ← →", "kernel before, kernel after"],
  ["enter", "open a kernel"],
  ["e", "enlarge it"],
  ["f", "find a kernel by its number"],
  ["esc", "close"],
];

/** @param {HTMLElement} root @param {Deeds} deeds */
export function listen(root, deeds) {
  const { body } = document;
  // On a page with other things, these have their keys: of two, the one that was used last.
  let used = root === body;
  const notice = (/** @type {Event} */ event) => (used = root.contains(/** @type {Node} */ (event.target)));
  for (const deed of used ? [] : ["pointerdown", "focusin"]) document.addEventListener(deed, notice, true);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (!used || (target !== body && !root.contains(target))) return;
    // What has these keys for itself keeps them.
    if (target.closest("input, select, textarea")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const done = act(event, target, deeds);
    if (done) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event @param {HTMLElement} target @param {Deeds} deeds */
function act(event, target, deeds) {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    if (event.shiftKey) deeds.kernel(by, false);
    else deeds.epoch(by);
  } else if (by && target.closest(".wall")) deeds.kernel(by, true);
  else if (event.key === " " && !target.closest("button, summary, a")) deeds.play();
  else if (event.key === " " && target.closest("button.kernel")) deeds.play();
  else if (event.key === "Escape" && !target.closest("dialog")) deeds.close();
  else if (event.key === "f") deeds.find();
  else if (event.key === "e") deeds.enlarge();
  else return false;
  return true;
}
