/** A bounded memory: what was used longest ago goes first. */

/** @template T */
export class Cache {
  /** @param {number} most What all entries together may weigh. */
  constructor(most) {
    this.most = most;
    this.total = 0;
    /** @type {Map<string, {value: T, size: number}>} */
    this.entries = new Map();
  }

  /** @param {string} key @returns {T | undefined} */
  get(key) {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** @param {string} key @param {T} value @param {number} size */
  set(key, value, size) {
    this.delete(key);
    this.entries.set(key, { value, size });
    this.total += size;
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.most || oldest === key) break;
      this.delete(oldest);
    }
  }

  /** @param {string} key */
  delete(key) {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.total -= entry.size;
  }
}
