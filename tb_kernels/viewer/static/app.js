/** Who tells whom: choices change the state, the state what is fetched, that what is drawn. */

import { Colourbar, showBars } from "./colourbar.js";
import { Enlarged, helpDialog } from "./dialogs.js";
import { element, say } from "./dom.js";
import { Changed } from "./fetching.js";
import { gather, prefetch } from "./gather.js";
import { labelOf } from "./labels.js";
import { Layers } from "./layers.js";
import { failed, plainly } from "./messages.js";
import { count, epochTitle } from "./numbers.js";
import { copyKernel, saveSheet, saveStrip } from "./pictures.js";
import { Panel } from "./panel.js";
import { comparable } from "./scene.js";
import { fit, inTime, layersIn, runOf } from "./state.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";
import { Wall } from "./wall.js";
import { nounOf, shapeName } from "./words.js";

/** @import {Library} from "./library.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Curves, Log, Run, State} from "./types.js" */

export class App {
  /** @param {Library} library @param {(state: State) => void} keep */
  constructor(library, keep) {
    this.library = library;
    this.keep = keep;
    this.turn = 0;
    this.shownTurn = 0;
    this.curvesTurn = 0;
    this.curvesRun = "";
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {Curves} */
    this.curves = {};
    this.toolbar = new Toolbar({
      change: (change) => this.change(change),
      find: (number, open) => this.find(number, open),
      sheet: () => this.scene && this.tell(saveSheet(this.scene, this.wall.wall?.columns ?? 8, this.wall.plan?.scale ?? 8)),
      help: () => this.help.showModal(),
    });
    this.layers = new Layers((layer) => this.change({ layer, kernel: null }));
    this.wall = new Wall((kernel) => this.change({ kernel: kernel === this.state?.kernel ? null : kernel }),
      () => (getComputedStyle(this.panel.at).position === "absolute" ? 0 : this.panel.at.offsetWidth));
    this.panel = new Panel(library, {
      close: () => this.close(),
      move: (epoch) => this.change({ epoch }),
      enlarge: () => this.enlarge(),
      copy: async () => (this.scene ? copyKernel(this.scene, this.open()) : ""),
      download: async () => (this.scene ? saveStrip(library, this.scene, this.open()) : ""),
      visit: (view, layer, kernel = this.state?.kernel ?? undefined) => this.change({ view, layer, kernel: kernel ?? null }),
    });
    this.timeline = new Timeline((epoch) => this.change({ epoch }), (curve) => this.change({ curve }));
    this.timeline.busy = () => this.turn !== this.shownTurn;
    this.enlarged = new Enlarged();
    this.help = helpDialog();
    this.title = element("h1");
    this.facts = element("p", { class: "facts" });
    this.faces = element("p", { class: "faces", hidden: true });
    this.bar = new Colourbar("weights");
    this.difference = new Colourbar("differences");
    this.message = element("div", { class: "over", hidden: true });
    this.status = element("p", { class: "status", role: "status" });
    const head = element("header", { class: "wall-head" }, [
      element("div", {}, [this.title, this.facts]), element("div", { class: "bars" }, [this.bar.at, this.difference.at]), this.faces,
    ]);
    this.main = element("main", { class: "wall", "aria-label": "wall" }, [head, this.wall.scroller, this.message, this.status]);
    this.at = element("div", { class: "app" }, [
      this.toolbar.at, element("div", { class: "middle" }, [this.layers.at, this.main, this.panel.at]), this.timeline.at,
      this.enlarged.at, this.help,
    ]);
  }

  /** @param {Log} log @param {State} state */
  show(log, state) {
    const grown = log !== this.log;
    this.log = log;
    this.state = fit(log, state);
    const run = runOf(log, this.state);
    if (run && (grown || run.name !== this.curvesRun)) this.fetchCurves(run);
    this.refresh();
  }

  /** @param {Run} run */
  async fetchCurves(run) {
    const turn = ++this.curvesTurn;
    this.curvesRun = run.name;
    // Without curves there are still kernels.
    const curves = await this.library.curves(run).catch(() => ({}));
    if (turn !== this.curvesTurn) return;
    this.curves = curves;
    this.around();
  }

  /** @param {Partial<State>} change */
  change(change) {
    if (!this.log || !this.state) return;
    if (change.view !== undefined && !("kernel" in change)) change = { ...change, kernel: null };
    if (change.compare?.startsWith("e:") && Number(change.compare.slice(2)) === this.state.epoch) this.timeline.playing(false);
    const { run } = this.state;
    this.state = fit(this.log, { ...this.state, ...change });
    this.keep(this.state);
    if (this.state.run !== run) {
      this.curves = {};
      this.fetchCurves(/** @type {Run} */ (runOf(this.log, this.state)));
    }
    this.refresh();
  }

  /** What needs nothing but the log and the curves. */
  around() {
    const { log, state } = this;
    const run = log && state && runOf(log, state);
    if (!log || !state || !run) return;
    const layers = layersIn(run, state.view);
    const layer = layers.find(({ key }) => key === state.layer);
    const epochs = layer ? [...layer.epochs].sort(inTime) : [];
    this.toolbar.showLog(log, run, state, epochs);
    this.layers.show(layers, state.layer, this.curves);
    if (!layer) return;
    this.timeline.show(state, layer, epochs, this.curves);
    say(this.title, layer.name);
    this.title.title = [layer.kind, layer.key].filter(Boolean).join(" · ");
  }

  async refresh() {
    const { log, state } = this;
    if (!log || !state) return;
    const turn = ++this.turn;
    this.around();
    const late = setTimeout(() => turn === this.turn && this.main.setAttribute("aria-busy", "true"), 200);
    try {
      const found = await gather(this.library, log, state);
      if (turn !== this.turn) return;
      if (found) this.draw(found);
    } catch (error) {
      // Mostly the log as it is now is shown meanwhile.
      if (error instanceof Changed) await error.told;
      if (turn === this.turn) this.fail(error);
    } finally {
      clearTimeout(late);
      if (turn === this.turn) {
        this.main.removeAttribute("aria-busy");
        this.shownTurn = turn;
      }
    }
  }

  /** @param {unknown} error */
  fail(error) {
    this.scene = null;
    this.wall.clear();
    this.panel.hide();
    this.timeline.playing(false);
    const text = error instanceof Error ? error.message : String(error);
    this.over(failed(text, () => this.refresh()));
  }

  /** @param {HTMLElement | null} message Over the wall; null for none. */
  over(message) {
    this.message.hidden = !message;
    this.message.replaceChildren(...(message ? [message] : []));
  }

  /** @param {Scene} scene */
  draw(scene) {
    this.scene = scene;
    const { state, sheet, layer } = scene;
    const noun = nounOf(layer.view);
    const hidden = sheet.head.numbers.length - scene.places.length;
    say(this.facts, [shapeName(layer.shape), count(sheet.head.numbers.length, noun), hidden ? `${hidden} hidden` : ""].filter(Boolean).join(" · "));
    const compared = comparable(sheet, scene.other);
    this.faces.hidden = !state.compare;
    say(this.faces, !state.compare ? "" : !scene.other ? "There is nothing like it to compare with."
      : [scene.otherName, epochTitle(state.epoch).split(",")[0], compared ? "difference" : ""].filter(Boolean).join("  |  "));
    showBars(this.bar, this.difference, scene, compared);
    this.over(scene.places.length ? null : plainly(!sheet.head.numbers.length ? "Only a sheet of this layer was drawn; log kernels to see them one by one."
      : "Every kernel changed less than that. Move “hide below” to the left."));
    const place = this.open();
    if (place < 0) this.panel.hide();
    else void this.panel.show(scene, place);
    // Behind the panel, which takes of its room.
    this.wall.show(scene);
    this.toolbar.show(scene, this.wall.size);
    if (this.enlarged.at.open) {
      if (place >= 0) this.enlarge();
      else this.enlarged.at.close();
    }
    prefetch(this.library, scene);
  }

  /** Where the open kernel stands; −1 for none. */
  open() {
    const { scene } = this;
    return scene && scene.state.kernel !== null ? scene.sheet.head.numbers.indexOf(scene.state.kernel) : -1;
  }

  enlarge() {
    const place = this.open();
    if (!this.scene || place < 0) return;
    const title = `${this.panel.title.textContent} · ${labelOf(this.scene, place)} · ${epochTitle(this.scene.state.epoch)}`;
    this.enlarged.show(this.scene, place, title);
  }

  close() {
    const place = this.open();
    this.change({ kernel: null });
    const position = this.scene?.places.indexOf(place) ?? -1;
    if (position >= 0) this.wall.reveal(position);
  }

  /** @param {number} number @param {boolean} open */
  find(number, open) {
    const position = this.scene ? this.scene.places.indexOf(this.scene.sheet.head.numbers.indexOf(number)) : -1;
    say(this.status, position < 0 && open ? `There is no ${nounOf(this.state?.view ?? "")} ${number || ""} on this wall.` : "");
    if (position < 0) return;
    this.wall.reveal(position, false);
    this.wall.point(number);
    if (open) this.change({ kernel: number });
  }

  /** @param {number} by @param {boolean} row */
  step(by, row) {
    if (!this.scene) return;
    const at = this.wall.at + by * (row ? (this.wall.wall?.columns ?? 1) : 1);
    if (at < 0 || at >= this.scene.places.length) return;
    this.wall.reveal(at, !this.enlarged.at.open);
    if (this.open() >= 0) this.change({ kernel: this.scene.sheet.head.numbers[this.scene.places[at]] });
  }

  /** @param {Promise<string>} done */
  async tell(done) {
    say(this.status, "");
    say(this.status, await done.catch((error) => String(error.message ?? error)));
    setTimeout(() => say(this.status, ""), 4000);
  }
}
