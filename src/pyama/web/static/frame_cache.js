// The cache of frames and outlines. When it is full, the least recently used items are removed.

/**
 * @template {{bytes: number}} T
 */
export class FrameCache {
  /** @param {number} mostBytes */
  constructor(mostBytes) {
    this.mostBytes = mostBytes;
    /** @type {Map<string, T>} The least recently used item first. */
    this.items = new Map();
    /** @type {Map<string, Promise<T>>} */
    this.requests = new Map();
    this.bytes = 0;
  }

  /** @param {string} key */
  get(key) {
    const item = this.items.get(key);
    if (item) {
      this.items.delete(key);
      this.items.set(key, item);
    }
    return item;
  }

  /**
   * Returns an item, which is loaded at most once at a time.
   * @param {string} key
   * @param {() => Promise<T>} load
   * @returns {Promise<T>}
   */
  async fetch(key, load) {
    const item = this.get(key);
    if (item) return item;
    const request = this.requests.get(key) ?? this.#load(key, load);
    this.requests.set(key, request);
    return request;
  }

  /**
   * @param {string} key
   * @param {() => Promise<T>} load
   */
  async #load(key, load) {
    try {
      const item = await load();
      this.items.set(key, item);
      this.bytes += item.bytes;
      this.#removeOldest();
      return item;
    } finally {
      this.requests.delete(key);
    }
  }

  #removeOldest() {
    for (const [key, { bytes }] of this.items) {
      if (this.bytes < this.mostBytes) break;
      this.items.delete(key);
      this.bytes -= bytes;
    }
  }
}
