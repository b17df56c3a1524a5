import assert from "node:assert/strict";
import test from "node:test";

import { forget, readSaved, save } from "../../src/pyama/web/static/browser_storage.js";

/** Does something with a storage in the place of the browser's. */
function withStorage(storage, act) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  Object.defineProperty(globalThis, "localStorage", { configurable: true, ...storage });
  try {
    act();
  } finally {
    if (before) Object.defineProperty(globalThis, "localStorage", before);
    else delete globalThis.localStorage;
  }
}

test("a value is read as it was saved until it is forgotten", () => {
  const texts = new Map();
  const value = {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, text) => texts.set(key, text),
    removeItem: (key) => texts.delete(key),
  };
  withStorage({ value }, () => {
    assert.equal(readSaved("a"), null);
    save("a", { b: [1, "2"] });
    assert.deepEqual(readSaved("a"), { b: [1, "2"] });
    forget("a");
    assert.equal(readSaved("a"), null);
    texts.set("a", "{");
    assert.equal(readSaved("a"), null);
  });
});

test("a browser without storage, or with a full one, keeps nothing", () => {
  const fails = () => { throw new Error("forbidden"); };
  for (const storage of [{ get: fails }, { value: { getItem: fails, setItem: fails, removeItem: fails } }]) {
    withStorage(storage, () => {
      save("a", 1);
      forget("a");
      assert.equal(readSaved("a"), null);
    });
  }
});
