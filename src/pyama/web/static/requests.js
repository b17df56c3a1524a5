// Requests to the server; all requests use this module.

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

/** @param {string} url */
export async function fetchChecked(url) {
  return checkAnswer(await fetch(url));
}

/** @type {Api.Get} */
export const get = async (/** @type {string} */ path, /** @type {Record<string, unknown>} */ query = {}) =>
  (await fetchChecked(address(path, query))).json();

/** @type {Api.Post} */
export const post = async (/** @type {string} */ path, /** @type {Record<string, unknown>} */ query = {}, /** @type {object} */ body = {}) => {
  const answer = await fetch(address(path, query), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await checkAnswer(answer)).json();
};

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
