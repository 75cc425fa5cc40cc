/** The kernels of a layer as pictures in rows, of which only those in sight are drawn. */

import { density, element, put } from "./dom.js";
import { ROOM_BETWEEN as GAP, fillingWidth, planOf, rowsIn, scaleFor, topFor, wallOf } from "./geometry.js";
import { draw, paperOf } from "./painting.js";
import { faces, facesIn } from "./scene.js";
import { captionOf, labelOf, marksOf } from "./labels.js";

/** @import {Plan, Wall as Geometry} from "./geometry.js" */
/** @import {Scene} from "./scene.js" */

/** @typedef {{at: HTMLDivElement, canvas: HTMLCanvasElement, buttons: HTMLButtonElement[]}} Row */

const LABEL = 20;
const CAPTION = 34;

export class Wall {
  /**
   * @param {(number: number) => void} open Called with the number of the kernel that was chosen.
   * @param {() => number} beside The width of the panel of an open kernel, if it takes any.
   */
  constructor(open, beside) {
    this.open = open;
    this.beside = beside;
    this.size = 0;
    this.inner = element("div", { class: "rows", role: "presentation" });
    this.scroller = element("div", { class: "scroller", role: "group", "aria-label": "kernels" }, [this.inner]);
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {Plan | null} */
    this.plan = null;
    /** @type {Geometry | null} */
    this.wall = null;
    /** The one that the keyboard is at, among those shown. */
    this.at = 0;
    this.waiting = 0;
    this.scroller.addEventListener("scroll", () => this.later(), { passive: true });
    this.inner.addEventListener("click", (event) => this.clicked(event));
    this.inner.addEventListener("focusin", (event) => this.focused(event));
    new ResizeObserver(() => this.arrange()).observe(this.scroller);
  }

  /** @param {Scene} scene */
  show(scene) {
    const before = this.scene;
    const moved = before && (before.layer.key !== scene.layer.key || before.run !== scene.run || before.layer.view !== scene.layer.view);
    this.scene = scene;
    if (moved) {
      this.scroller.scrollTop = 0;
      this.at = 0;
    }
    this.arrange();
  }

  clear() {
    this.scene = null;
    this.rows.clear();
    this.inner.replaceChildren();
  }

  /** Fits rows to the room there is, and draws. */
  arrange() {
    const { scene } = this;
    if (!scene || !this.scroller.clientWidth) return;
    const dots = density();
    const { head } = scene.sheet;
    const count = facesIn(scene);
    const room = this.scroller.clientWidth - 32;
    const label = head.mode === "pictures" ? CAPTION : LABEL;
    // As if no kernel were open, so that opening one does not change the size of all.
    const open = scene.state.kernel !== null ? this.beside() : 0;
    const free = { width: room + open, height: this.scroller.clientHeight - 8 };
    this.size = scene.state.size ?? fillingWidth(head, scene.places.length, count, free, label);
    const wanted = Math.min(this.size, room / count);
    this.plan = planOf(head, scaleFor(head, Math.floor(wanted * dots)));
    this.between = Math.max(2, Math.round(4 * dots));
    const width = count * this.plan.width + (count - 1) * this.between;
    const around = { gap: Math.round(GAP * dots), label: Math.round(label * dots) };
    // A number needs room, however small its kernel.
    const face = { width: Math.max(width, Math.round(26 * dots)), height: this.plan.height };
    const wall = wallOf(scene.places.length, Math.floor(room * dots), face, around);
    const same = this.wall && JSON.stringify(this.wall) === JSON.stringify(wall);
    this.wall = wall;
    this.inner.style.height = `${wall.height / dots}px`;
    if (!same) {
      this.rows.clear();
      this.inner.replaceChildren();
    }
    this.draw(true);
  }

  later() {
    this.waiting ||= requestAnimationFrame(() => this.draw(false));
  }

  /** @param {boolean} anew Whether also rows that stand already. */
  draw(anew) {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    const { scene, wall } = this;
    if (!scene || !wall) return;
    const dots = density();
    const { scrollTop, clientHeight } = this.scroller;
    const [first, end] = rowsIn(wall, scrollTop * dots, clientHeight * dots);
    /** @type {Row[]} */
    const free = [];
    for (const [index, row] of this.rows) {
      if (index >= first && index < end) continue;
      // The focus would be lost with its element.
      if (row.at.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      this.rows.delete(index);
      free.push(row);
    }
    for (let index = first; index < end; index++) {
      const here = this.rows.get(index);
      if (here && !anew) continue;
      const row = here ?? free.pop() ?? this.row();
      this.rows.set(index, row);
      this.fill(row, index);
      if (!row.at.isConnected) this.inner.append(row.at);
    }
    for (const row of free) row.at.remove();
  }

  /** @returns {Row} */
  row() {
    const canvas = element("canvas", { "aria-hidden": "true" });
    return { at: element("div", { class: "row" }, [canvas]), canvas, buttons: [] };
  }

  /** @param {Row} row @param {number} index */
  fill(row, index) {
    const { scene, wall, plan, between = 0 } = this;
    if (!scene || !wall || !plan) return;
    const dots = density();
    const places = scene.places.slice(index * wall.columns, (index + 1) * wall.columns);
    const paper = paperOf(wall.columns * wall.cellWidth, plan.height);
    places.forEach((place, column) => {
      faces(scene, place).forEach((face, one) => {
        const left = column * wall.cellWidth + one * (plan.width + between);
        if (face) draw(paper, face, plan, left, 0);
      });
    });
    row.at.style.transform = `translateY(${(index * wall.cellHeight) / dots}px)`;
    row.at.dataset.row = String(index);
    put(row.canvas, paper);
    while (row.buttons.length > places.length) row.buttons.pop()?.remove();
    while (row.buttons.length < places.length) {
      const made = element("button", { class: "kernel", type: "button" }, [element("span", { class: "label" })]);
      row.buttons.push(made);
      row.at.append(made);
    }
    const pitch = Math.round(GAP * dots);
    places.forEach((place, column) => {
      const button = row.buttons[column];
      const position = index * wall.columns + column;
      const number = scene.sheet.head.numbers[place];
      button.style.left = `${(column * wall.cellWidth) / dots}px`;
      button.style.width = `${(wall.cellWidth - pitch) / dots}px`;
      button.style.height = `${(wall.cellHeight - pitch) / dots}px`;
      button.tabIndex = position === this.at ? 0 : -1;
      button.dataset.number = String(number);
      button.dataset.position = String(position);
      button.title = captionOf(scene, place);
      button.setAttribute("aria-label", labelOf(scene, place));
      button.setAttribute("aria-pressed", String(number === scene.state.kernel));
      this.write(/** @type {HTMLElement} */ (button.firstElementChild), place, wall.cellWidth / dots);
    });
  }

  /** What stands below a picture. @param {HTMLElement} label @param {number} place @param {number} room */
  write(label, place, room) {
    const { scene } = this;
    if (!scene) return;
    const { head } = scene.sheet;
    label.replaceChildren(element("b", { text: String(head.numbers[place]) }));
    for (const { text, kind } of marksOf(scene, place, room)) {
      label.append(" ", element("span", { class: kind, text }));
    }
  }

  /** @param {Event} event */
  clicked(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button) this.open(Number(button.dataset.number));
  }

  /** @param {Event} event */
  focused(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (!button) return;
    for (const row of this.rows.values()) for (const one of row.buttons) one.tabIndex = -1;
    button.tabIndex = 0;
    this.at = Number(button.dataset.position);
  }

  /** Shows a kernel, and puts the keyboard there if asked. @param {number} position Among those shown. @param {boolean} [focus] */
  reveal(position, focus = true) {
    const { wall, scroller, scene } = this;
    if (!wall || !scene) return;
    const dots = density();
    this.at = Math.max(0, Math.min(scene.places.length - 1, position));
    const row = Math.floor(this.at / wall.columns);
    const top = topFor(wall, row, scroller.scrollTop * dots, (scroller.clientHeight - 24) * dots);
    scroller.scrollTop = top / dots;
    this.draw(true);
    if (focus) this.rows.get(row)?.buttons[this.at % wall.columns]?.focus({ preventScroll: true });
  }

  /** Marks the one that was found. @param {number} number */
  point(number) {
    for (const row of this.rows.values()) {
      for (const button of row.buttons) button.classList.toggle("found", button.dataset.number === String(number));
    }
  }
}
