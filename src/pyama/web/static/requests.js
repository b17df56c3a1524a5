// Requests to the server; all requests use this module.

import { checkConnection, hear, isLost, loseConnection, untilLost, whenBack } from "./connection.js";

/** How often a request is sent to a server that is there, although no answer arrives. */
const ATTEMPTS = 3;

/** What the server answers to a request that it refuses, with its HTTP status. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The server cannot be reached: nobody knows whether it has carried out the request. */
export class LostError extends Error {}

/**
 * The address of a request.
 * @param {string} path Below `/api/`.
 * @param {Record<string, unknown>} [query] What is undefined is left out.
 */
export function address(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `/api/${path}?${search}`;
}

/**
 * Sends a request that only reads; repeated until the server can be reached.
 * @template T
 * @param {string} url
 * @param {(answer: Response) => Promise<T>} read Reads the body of an answer.
 */
export async function fetchChecked(url, read) {
  for (let attempt = 1; ; attempt++) {
    await whenBack();
    try {
      return await send(url, read);
    } catch (error) {
      if (!(error instanceof LostError) || (!isLost() && attempt >= ATTEMPTS)) throw error;
    }
  }
}

/**
 * Sends a request once.
 * @template T
 * @param {string} url
 * @param {(answer: Response) => Promise<T>} read
 * @param {RequestInit} [options]
 */
async function send(url, read, options = {}) {
  try {
    const answer = await fetch(url, { ...options, signal: untilLost() });
    hear();
    if (answer.status !== 401) return await read(await checkAnswer(answer));
    loseConnection(true);
  } catch (error) {
    const isCut = error instanceof TypeError || (error instanceof DOMException && error.name === "AbortError");
    if (!isCut) throw error;
    await checkConnection();
  }
  throw new LostError("No connection to the server. Try again when it is back.");
}

/** @type {Api.Get} */
export const get = (/** @type {string} */ path, /** @type {Record<string, unknown>} */ query = {}) =>
  fetchChecked(address(path, query), (answer) => answer.json());

/** @type {Api.Post} */
export const post = (/** @type {string} */ path, /** @type {Record<string, unknown>} */ query = {}, /** @type {object} */ body = {}) =>
  send(address(path, query), (answer) => answer.json(), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/**
 * Throws what the server says where it refuses a request.
 * @param {Response} answer
 */
export async function checkAnswer(answer) {
  if (answer.ok) return answer;
  throw new RequestError(refusalText(await answer.text(), `${answer.status} ${answer.statusText}`), answer.status);
}

/**
 * Why a request was refused, from the text of the answer; `otherwise` for an answer without text.
 * @param {string} text
 * @param {string} otherwise
 * @returns {string}
 */
export function refusalText(text, otherwise) {
  try {
    const { detail } = JSON.parse(text);
    return Array.isArray(detail) ? detail.map(({ loc, msg }) => `${loc.slice(1).join(".")}: ${msg}`).join("; ") : detail;
  } catch {
    return text || otherwise;
  }
}

/**
 * Of several requests of one kind, only the answer to the latest one counts, whichever comes
 * first: each call of what this returns gives a function that tells whether it is still the latest.
 */
export function makeLatestCheck() {
  let count = 0;
  return () => {
    const number = ++count;
    return () => number === count;
  };
}
