/** What was fetched of a log, and is fetched once. */

import { Cache } from "./cache.js";
import { Changed, addressOf } from "./fetching.js";
import { join, unpack } from "./levels.js";

/** @import {Curves, Head, Layer, Log, Part, Range, Run, Sheet, Source} from "./types.js" */

const MOST_LEVELS = 96 * 2 ** 20;
const MOST_HEADS = 16 * 2 ** 20;
const MOST_RANGES = 2 ** 20;

// About what one takes in memory.
const RANGE = 500;

export class Library {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    /** @type {Cache<Sheet>} */
    this.sheets = new Cache(MOST_LEVELS);
    /** @type {Cache<Head>} */
    this.heads = new Cache(MOST_HEADS);
    /** @type {Cache<Range | null>} */
    this.ranges = new Cache(MOST_RANGES);
    /** @type {Map<string, Promise<any>>} What is on its way. */
    this.waiting = new Map();
    /** Is called where pictures are no longer those that the log has told of; until it tells again. */
    this.changed = async () => {};
  }

  /** @returns {Promise<Log>} */
  log() {
    return this.source.json(addressOf("log"));
  }

  /** @param {Run} run @returns {Promise<Curves>} */
  curves(run) {
    return this.source.json(addressOf("curves", { run: run.name }));
  }

  /** @param {Run} run @param {Layer} layer @param {number} epoch @returns {Promise<Head>} */
  head(run, layer, epoch) {
    const address = addressOf("layer", askedOf(run, layer, epoch));
    return this.once(this.heads, address, weighHead, () => this.source.json(address));
  }

  /**
   * The lowest and the highest weight that a layer was logged with at any epoch; null where its
   * pictures are not of weights.
   * @param {Run} run @param {Layer} layer @returns {Promise<Range | null>}
   */
  range(run, layer) {
    const asked = { run: run.name, view: layer.view, key: layer.key };
    // A log that has grown is asked once more.
    const key = JSON.stringify([asked, layer.versions]);
    return this.once(this.ranges, key, () => RANGE + 2 * key.length, async () => (await this.source.json(addressOf("range", asked))).range);
  }

  /** The sheet if it is here. @param {Run} run @param {Layer} layer @param {number} epoch */
  sheetHere(run, layer, epoch) {
    return this.sheets.get(sheetKey(run, layer, epoch));
  }

  /**
   * All kernels of a layer at an epoch.
   * @param {Run} run @param {Layer} layer @param {number} epoch @returns {Promise<Sheet>}
   */
  sheet(run, layer, epoch) {
    return this.once(this.sheets, sheetKey(run, layer, epoch), weighSheet, async () => {
      const head = await this.head(run, layer, epoch);
      const parts = head.parts.map((_, part) => this.part(run, layer, epoch, head, part));
      const sheets = await Promise.all(parts);
      if (!sheets.length) return { head, first: 0, count: 0, levels: new Uint8Array(), bad: null };
      head.parts.forEach((_, part) => this.sheets.delete(partKey(run, layer, epoch, part)));
      return join(sheets);
    });
  }

  /**
   * A sheet that holds one kernel at least; null where the epoch does not have it.
   * @param {Run} run @param {Layer} layer @param {number} epoch @param {number} number
   * @returns {Promise<Sheet | null>}
   */
  async sheetWith(run, layer, epoch, number) {
    const whole = this.sheetHere(run, layer, epoch);
    const head = whole ? whole.head : await this.head(run, layer, epoch);
    const place = head.numbers.indexOf(number);
    if (place < 0 || whole) return place < 0 ? null : (whole ?? null);
    const part = head.parts.findIndex((one) => place >= one.first && place < one.first + one.count);
    if (part < 0) return null;
    if (head.parts.length === 1) return this.sheet(run, layer, epoch);
    return this.part(run, layer, epoch, head, part);
  }

  /** @param {Run} run @param {Layer} layer @param {number} epoch @param {Head} head @param {number} part */
  part(run, layer, epoch, head, part) {
    return this.once(this.sheets, partKey(run, layer, epoch, part), weighSheet, async () => {
      const asked = { ...askedOf(run, layer, epoch), part };
      const pixels = await pixelsOf(await this.source.picture(addressOf("sprite", asked)), head.parts[part]);
      return unpack(head, head.parts[part], pixels);
    });
  }

  /**
   * @template T
   * @param {Cache<T>} cache
   * @param {string} key
   * @param {(value: T) => number} weigh
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  once(cache, key, weigh, make) {
    const here = cache.get(key);
    if (here !== undefined) return Promise.resolve(here);
    const coming = this.waiting.get(key);
    if (coming) return coming;
    const made = make()
      .then((value) => {
        cache.set(key, value, weigh(value));
        return value;
      })
      .catch((error) => {
        // A sheet meets what its head has met already.
        if (error instanceof Changed) error.told ??= this.changed();
        throw error;
      })
      .finally(() => this.waiting.delete(key));
    this.waiting.set(key, made);
    return made;
  }
}

/** @param {Run} run @param {Layer} layer @param {number} epoch */
function askedOf(run, layer, epoch) {
  return { run: run.name, view: layer.view, key: layer.key, epoch, version: layer.versions[layer.epochs.indexOf(epoch)] };
}

/** @param {Run} run @param {Layer} layer @param {number} epoch */
function sheetKey(run, layer, epoch) {
  return JSON.stringify(askedOf(run, layer, epoch));
}

/** @param {Run} run @param {Layer} layer @param {number} epoch @param {number} part */
function partKey(run, layer, epoch, part) {
  return JSON.stringify([askedOf(run, layer, epoch), part]);
}

/** @param {Sheet} sheet */
function weighSheet(sheet) {
  return sheet.levels.byteLength + (sheet.bad?.byteLength ?? 0);
}

/** About what it takes in memory. @param {Head} head */
function weighHead(head) {
  const captions = head.captions.reduce((sum, caption) => sum + caption.length, 0);
  return 1000 + 16 * head.numbers.length + 48 * (head.limits?.length ?? 0) + 2 * captions;
}

/**
 * The pixels as they are in the file: no colour profile, no premultiplied alpha.
 * @param {Blob} blob
 * @param {Part} part
 */
async function pixelsOf(blob, { width, height }) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("A picture of the log cannot be read.");
  }
  if (bitmap.width !== width || bitmap.height !== height) {
    throw new Error("A picture of the log has another size than its description says.");
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no memory left to draw on.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}
