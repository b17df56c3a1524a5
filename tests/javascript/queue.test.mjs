import { settleable, statusText } from "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConnection } from "../../src/pyama/web/static/connection.js";
import { enqueue, openNewest } from "../../src/pyama/web/static/queue.js";
import { address, makeLatestCheck, refusalText } from "../../src/pyama/web/static/requests.js";

const settled = () => new Promise((done) => { setTimeout(done, 5); });

test("an action waits for the one before it", async () => {
  const done = [];
  const first = settleable();
  enqueue(async () => { await first.promise; done.push("first"); });
  const last = enqueue(() => done.push("second"));
  await settled();
  assert.deepEqual(done, []);
  first.resolve();
  await last;
  assert.deepEqual(done, ["first", "second"]);
});

test("an action waits for what is being opened, which does not wait for later actions", async () => {
  const done = [];
  const opening = settleable();
  openNewest(() => opening.promise.then(() => done.push("opened")));
  const marked = enqueue(() => done.push("marked"));
  await settled();
  assert.deepEqual(done, []);
  opening.resolve();
  await marked;
  assert.deepEqual(done, ["opened", "marked"]);
});

test("openings do not wait for each other", async () => {
  const started = [];
  const slow = settleable();
  openNewest(() => { started.push(0); return slow.promise; });
  openNewest(() => { started.push(1); });
  await settled();
  assert.deepEqual(started, [0, 1]);
  slow.resolve();
});

test("an action that fails is said, and the next one is carried out", async () => {
  const done = [];
  enqueue(() => { throw new Error("The server is away."); });
  await enqueue(() => done.push("next"));
  assert.equal(statusText(), "The server is away.");
  assert.deepEqual(done, ["next"]);
  await openNewest(() => Promise.reject(new Error("There is no such folder.")));
  assert.equal(statusText(), "There is no such folder.");
});

test("without a server, actions do not wait for one that reads, but do when it is back", async () => {
  const done = [];
  const [reading, opening] = [settleable(), settleable()];
  enqueue(async () => { await reading.promise; done.push("read"); });
  const selected = enqueue(() => done.push("selected"));
  await settled();
  assert.deepEqual(done, []);
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  await checkConnection();
  await selected;
  await enqueue(() => done.push("marked"));
  openNewest(() => opening.promise);
  const inOther = enqueue(() => done.push("marked in what was opened"));
  await settled();
  assert.deepEqual(done, ["selected", "marked"]);
  globalThis.fetch = () => Promise.resolve(Response.json({}));
  await checkConnection();
  const last = enqueue(() => done.push("last"));
  opening.resolve();
  await inOther;
  await settled();
  assert.deepEqual(done, ["selected", "marked", "marked in what was opened"]);
  reading.resolve();
  await last;
  assert.deepEqual(done.slice(3), ["read", "last"]);
});

test("only the latest request of one kind counts", () => {
  const [startTraces, startFits] = [makeLatestCheck(), makeLatestCheck()];
  const first = startTraces();
  assert.ok(first());
  const second = startTraces();
  startFits();
  assert.deepEqual([first(), second()], [false, true]);
});

test("addresses are encoded, and leave out what is undefined", () => {
  assert.equal(address("fits", { dir: "a b/c&d", table: undefined, n: 0 }), "/api/fits?dir=a+b%2Fc%26d&n=0");
  assert.equal(address("runs"), "/api/runs?");
});

test("a refusal is said in the words of the server, also without JSON", () => {
  assert.equal(refusalText('{"detail": "There is no frame 9."}', "404 Not Found"), "There is no frame 9.");
  const entries = { detail: [{ loc: ["query", "fov"], msg: "is too small" }, { loc: ["body", "params", "z"], msg: "is missing" }] };
  assert.equal(refusalText(JSON.stringify(entries), ""), "fov: is too small; params.z: is missing");
  assert.equal(refusalText("Internal Server Error", "500 x"), "Internal Server Error");
  assert.equal(refusalText("", "502 Bad Gateway"), "502 Bad Gateway");
});
