/** Small things around elements. All text goes in as text. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {Record<string, any>} [set] Attributes; `text` is what stands inside, `on…` are listeners.
 * @param {(Node | null)[]} [inside]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(name, set = {}, inside = []) {
  const made = document.createElement(name);
  assign(made, set);
  for (const child of inside) if (child) made.append(child);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} name
 * @param {Record<string, any>} [set]
 * @param {Node[]} [inside]
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(name, set = {}, inside = []) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  assign(made, set);
  made.append(...inside);
  return made;
}

/** @param {Element} made @param {Record<string, any>} set */
function assign(made, set) {
  for (const [key, value] of Object.entries(set)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
}

/** Sets a text only where it differs, so that nothing is announced twice. @param {Element} at @param {string} text */
export function say(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

/**
 * Offers what can be chosen; what is chosen stays.
 * @param {HTMLSelectElement} select
 * @param {{value: string, text: string, group?: string}[]} options
 * @param {string} value
 */
export function offer(select, options, value) {
  const now = JSON.stringify(options);
  if (select.dataset.offered !== now) {
    select.dataset.offered = now;
    /** @type {Map<string, HTMLOptGroupElement>} */
    const groups = new Map();
    select.replaceChildren();
    for (const { value: own, text, group } of options) {
      const option = element("option", { value: own, text });
      if (!group) {
        select.append(option);
        continue;
      }
      const there = groups.get(group) ?? element("optgroup", { label: group });
      groups.set(group, there);
      there.append(option);
      select.append(there);
    }
  }
  select.value = value;
}

/** Device pixels to a CSS pixel. */
export function density() {
  return window.devicePixelRatio || 1;
}

/**
 * Puts pixels onto a canvas, each on one of the device's.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./painting.js").Paper} paper
 */
export function put(canvas, paper) {
  if (canvas.width !== paper.width || canvas.height !== paper.height) {
    canvas.width = paper.width;
    canvas.height = paper.height;
    canvas.style.width = `${paper.width / density()}px`;
    canvas.style.height = `${paper.height / density()}px`;
  }
  const bytes = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (paper.pixels.buffer));
  const image = new ImageData(bytes, paper.width, paper.height);
  canvas.getContext("2d", { willReadFrequently: true })?.putImageData(image, 0, 0);
}
