// Whether the server can be reached: noticed within seconds, told to the rest of the page, and
// tried again until it answers.

/** Time in ms between two attempts, and for one of them. */
const PAUSE = 1000;
const PATIENCE = 1800;
/** Silence of the server in ms after which it is asked whether it is there. */
const SILENCE = 2000;

/** @type {{since: Date, isRefused: boolean} | null} Null while the server can be reached. */
let loss = null;
/** Ends the requests that wait for a server that is gone. */
let requests = new AbortController();
/** @type {Promise<void>} */
let back = Promise.resolve();
let resolveBack = () => {};
let resolveLost = () => {};
/** @type {Promise<void>} */
let lost = new Promise((resolve) => { resolveLost = resolve; });
/** @type {Array<(loss: {since: Date, isRefused: boolean} | null) => void>} */
const listeners = [];
let lastHeard = performance.now();
/** @type {Promise<void> | null} */
let checking = null;
let isTrying = false;

export const isLost = () => loss !== null;

/** Resolves when the server can be reached. */
export const whenBack = () => back;

/** Resolves when the server cannot be reached. */
export const whenLost = () => lost;

/** Ends requests when the connection is lost. */
export const untilLost = () => requests.signal;

/**
 * Calls a function when the connection is lost, and when it is back, with null.
 * @param {(loss: {since: Date, isRefused: boolean} | null) => void} act
 */
export function onConnection(act) {
  listeners.push(act);
}

/** Says that the server has sent something. */
export function hear() {
  lastHeard = performance.now();
}

/**
 * Says that the server could not be reached.
 * @param {boolean} isRefused Whether it answers, but not to this page: it has another token.
 */
export function loseConnection(isRefused = false) {
  if (loss?.isRefused === isRefused) return;
  if (!loss) back = new Promise((resolve) => { resolveBack = resolve; });
  resolveLost();
  loss = { since: loss?.since ?? new Date(), isRefused };
  requests.abort();
  requests = new AbortController();
  for (const act of listeners) act(loss);
  if (!isTrying) void tryAgain();
}

async function tryAgain() {
  isTrying = true;
  while (loss) {
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
    await checkConnection();
  }
  isTrying = false;
}

/** Asks whether the server is there. */
export function checkConnection() {
  checking ??= ask().finally(() => { checking = null; });
  return checking;
}

async function ask() {
  try {
    const { ok, status } = await fetch("/api/server", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    if (ok) restore();
    else loseConnection(status === 401);
  } catch {
    loseConnection();
  }
}

function restore() {
  hear();
  if (!loss) return;
  loss = null;
  lost = new Promise((resolve) => { resolveLost = resolve; });
  resolveBack();
  for (const act of listeners) act(null);
}

/** Notices a server that is stopped or behind a broken network: its events stop. */
export function watchSilence() {
  setInterval(() => {
    if (!loss && !document.hidden && performance.now() - lastHeard > SILENCE) void checkConnection();
  }, 500);
}
