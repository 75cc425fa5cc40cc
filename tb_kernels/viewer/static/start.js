/** Begins: the log, what is said while there is none, and what comes while one looks. */

import { App } from "./app.js";
import { element } from "./dom.js";
import { keep, kept, watchAddress } from "./keeping.js";
import { listen } from "./keys.js";
import { Library } from "./library.js";
import { failed, nothingLogged, plainly } from "./messages.js";
import { followTheme } from "./theme.js";

/** @import {Log, Source, State} from "./types.js" */

const EVERY = 30_000;

/**
 * Shows a log.
 * @param {HTMLElement} root Empty.
 * @param {Source} source
 */
export function start(root, source) {
  root.classList.add("tb-kernels");
  followTheme(root);
  const library = new Library(source);
  const app = new App(library, keep);
  const page = element("div", { class: "page" });
  root.append(page);
  /** @type {string} The log as it was shown. */
  let shown = "";

  /** @type {Promise<void> | null} */
  let coming = null;
  /** @type {Promise<void> | null} */
  let following = null;

  /**
   * One after the other, so that no older answer comes later.
   * @param {boolean} quietly Whether what is shown stays if there is no answer.
   * @returns {Promise<void>}
   */
  function load(quietly) {
    if (!coming) return (coming = ask(quietly).finally(() => (coming = null)));
    following ??= coming.then(() => {
      following = null;
      return load(quietly);
    });
    return following;
  }

  /** @param {boolean} quietly */
  async function ask(quietly) {
    try {
      const log = /** @type {Log} */ (await library.log());
      const text = JSON.stringify(log);
      if (text === shown) return;
      const fresh = !shown;
      shown = text;
      take(log, fresh ? kept() : (app.state ?? kept()));
    } catch (error) {
      if (quietly && shown) return;
      shown = "";
      page.replaceChildren(failed(error instanceof Error ? error.message : String(error), () => load(false)));
    }
  }

  /** @param {Log} log @param {State} state */
  function take(log, state) {
    if (!log.runs.some((run) => run.layers.length)) {
      page.replaceChildren(nothingLogged(log.where));
      return;
    }
    if (app.at.parentNode !== page) page.replaceChildren(app.at);
    app.show(log, state);
  }

  library.changed = () => load(true);
  page.replaceChildren(plainly("Reading the log …"));
  load(false);
  watchAddress(() => app.log && app.show(app.log, kept()));
  listen(root, {
    epoch: (by) => app.timeline.step(by),
    kernel: (by, row) => app.step(by, row),
    play: () => app.timeline.toggle(),
    close: () => app.close(),
    find: () => app.toolbar.find.focus(),
    enlarge: () => app.enlarge(),
  });
  if (!source.live) return;
  document.addEventListener("visibilitychange", () => document.hidden || load(true));
  setInterval(() => document.hidden || load(true), EVERY);
}
