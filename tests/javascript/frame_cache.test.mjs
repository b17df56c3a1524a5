import { settleable } from "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameCache } from "../../src/pyama/web/static/frame_cache.js";
import { nextFrames } from "../../src/pyama/web/static/frames.js";

const item = (name, bytes = 10) => ({ name, bytes });

test("what was loaded is not loaded again", async () => {
  const cache = new FrameCache(100);
  let loads = 0;
  const load = async () => { loads++; return item("a"); };
  const [first, second] = await Promise.all([cache.fetch("a", load), cache.fetch("a", load)]);
  assert.equal(first, second);
  assert.equal(await cache.fetch("a", load), first);
  assert.equal(loads, 1);
});

test("a request that failed is sent again", async () => {
  const cache = new FrameCache(100);
  const failure = settleable();
  const both = [cache.fetch("a", () => failure.promise), cache.fetch("a", () => failure.promise)];
  failure.reject(new Error("away"));
  for (const request of both) await assert.rejects(request, /away/);
  assert.equal((await cache.fetch("a", async () => item("a"))).name, "a");
});

test("the least recently used items are removed when the cache is full", async () => {
  const cache = new FrameCache(41);
  for (const name of ["a", "b", "c", "d"]) await cache.fetch(name, async () => item(name));
  cache.get("a");
  await cache.fetch("e", async () => item("e"));
  assert.deepEqual(["a", "b", "c", "d", "e"].map((name) => cache.get(name) !== undefined), [true, false, true, true, true]);
  assert.equal(cache.bytes, 40);
});

test("the cache counts the bytes of what it holds", async () => {
  const cache = new FrameCache(1000);
  for (let i = 0; i < 300; i++) {
    const name = `${(i * 7) % 40}`;
    await cache.fetch(name, async () => item(name, 1 + ((i * 13) % 90)));
    assert.equal(cache.bytes, [...cache.items.values()].reduce((sum, { bytes }) => sum + bytes, 0));
    assert.ok(cache.bytes < 1000);
  }
});

test("the frames that follow come first, and the frames before only while nothing plays", () => {
  assert.deepEqual(nextFrames(3, 100, true), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  assert.deepEqual(nextFrames(3, 100, false).slice(-2), [2, 1]);
  assert.deepEqual(nextFrames(98, 100, true).slice(0, 3), [99, 0, 1]);
  for (const n of [1, 2, 3]) assert.ok(nextFrames(0, n, false).every((frame) => frame >= 0 && frame < n));
});
