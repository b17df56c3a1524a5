// What the scripts need of a browser when they are loaded, and a page of which texts can be read.

const elements = new Map();

globalThis.localStorage = { getItem: () => null, setItem() {} };
globalThis.document = {
  addEventListener() {},
  getElementById(id) {
    if (!elements.has(id)) elements.set(id, { textContent: "", classList: { toggle() {} } });
    return elements.get(id);
  },
};

/** The text of the status line. */
export const statusText = () => document.getElementById("status").textContent;

/** A promise, and the functions that settle it. */
export function settleable() {
  let settle;
  const promise = new Promise((resolve, reject) => { settle = { resolve, reject }; });
  return { promise, ...settle };
}
