import "./browser.mjs";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { actionText, conflicts, makeId, sendClick, setUpClicks, waitingClicks } from "../../src/pyama/web/static/unsent_corrections.js";
import { checkConnection, whenBack } from "../../src/pyama/web/static/connection.js";

const stored = new Map();
Object.assign(globalThis.localStorage, { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) });

/** A server that is there or not, and may lose its answers. */
const server = { isThere: true, losesAnswer: false, refused: new Set(), log: [], requests: 0 };

globalThis.fetch = async (url, { body } = {}) => {
  if (!server.isThere) throw new TypeError("Failed to fetch");
  if (url.startsWith("/api/server")) return Response.json({ root: "r", version: "1" });
  server.requests++;
  const { id, action, by } = JSON.parse(body);
  if (server.refused.has(action?.cell)) return Response.json({ detail: "not possible" }, { status: 422 });
  if (!server.log.some((entry) => entry.id === id)) server.log.push({ id, by, text: "", cells: [action?.cell], active: true, problem: "" });
  if (server.losesAnswer) {
    server.losesAnswer = false;
    throw new TypeError("Failed to fetch");
  }
  return Response.json({ log: server.log });
};

const deliveries = [];
await setUpClicks((delivery) => deliveries.push(delivery), () => {});

const clickOf = (cell, more = {}) => ({
  id: makeId(), dir: "d", fov: 0, kind: "act", by: "me", text: `cell ${cell}`, traces: "", seen: server.log.length,
  action: { kind: "mark", cell, good: false, frame: 0 }, ...more,
});
const cells = () => server.log.flatMap((entry) => entry.cells);

async function lose() {
  server.isThere = false;
  await checkConnection();
}

async function comeBack() {
  server.isThere = true;
  await checkConnection();
  await whenBack();
  for (let i = 0; i < 50 && waitingClicks().length; i++) await new Promise((done) => { setTimeout(done, 5); });
}

beforeEach(() => {
  Object.assign(server, { isThere: true, losesAnswer: false, log: [], requests: 0 });
  server.refused.clear();
  deliveries.length = 0;
});

test("a click is answered, and nothing of it is kept", async () => {
  const tracks = await sendClick(clickOf(1));
  assert.equal(tracks.log.length, 1);
  assert.equal(stored.get("pyama-clicks r"), "[]");
});

test("without a connection clicks are kept, also by the browser, and sent in order", async () => {
  await lose();
  assert.equal(await sendClick(clickOf(1)), null);
  assert.equal(await sendClick(clickOf(2)), null);
  assert.equal(JSON.parse(stored.get("pyama-clicks r")).length, 2);
  await comeBack();
  assert.deepEqual(cells(), [1, 2]);
  assert.equal(deliveries[0].saved.length, 2);
  assert.equal(stored.get("pyama-clicks r"), "[]");
});

test("a click whose answer is lost is sent again, and saved once", async () => {
  server.losesAnswer = true;
  const tracks = await sendClick(clickOf(3));
  assert.equal(tracks.log.length, 1);
  assert.equal(server.requests, 2);
});

test("a refused click is said, and the later ones are saved", async () => {
  await lose();
  server.refused.add(1);
  await Promise.all([sendClick(clickOf(1)), sendClick(clickOf(2))]);
  await comeBack();
  assert.deepEqual(cells(), [2]);
  assert.match(deliveries[0].problems[0], /Not saved: FOV 0: cell 1. not possible/);
});

test("an error of the server is told to who has clicked", async () => {
  server.refused.add(9);
  await assert.rejects(sendClick(clickOf(9)), /not possible/);
  assert.deepEqual(waitingClicks(), []);
});

test("what others have done to the same cell meanwhile is said", () => {
  const click = clickOf(5, { seen: 1 });
  const entry = { by: "you", active: true, problem: "", cells: [5], text: "cell 5 good" };
  const own = { ...entry, id: click.id, by: "me", text: "" };
  assert.deepEqual(conflicts(click, [entry, own]), []);
  assert.match(conflicts(click, [own, entry])[0], /cell 5 good.*cell 5.*came later and counts/);
  assert.deepEqual(conflicts(click, [own, { ...entry, cells: [6] }]), []);
  assert.deepEqual(conflicts(click, [own, { ...entry, active: false }]), []);
  assert.match(conflicts(click, [{ ...entry, cells: [1] }, entry, { ...own, problem: "gone" }])[0], /has no effect: gone/);
});

test("every action is named in words, so that a refusal says which one it was", () => {
  const texts = [
    { kind: "mark", cell: 1, good: false, frame: 2 }, { kind: "join", cell: 1, other: 2 }, { kind: "swap", cell: 1, other: 2, frame: 3 },
    { kind: "cut", cell: 1, frame: 4 }, { kind: "delete", cell: 1 }, { kind: "keep", cell: 1 },
  ].map((action) => actionText(action));
  assert.deepEqual(texts, [
    "cell 1 bad from frame 2", "join 2 to 1", "swap 1 and 2 from frame 3", "cut 1 at frame 4", "delete 1", "keep cell 1, which had no trace",
  ]);
});
