// Samples that were typed and not merged yet, kept in this browser for each output folder: those
// of a tab are shown again in this tab, those of the last one in a new tab.

const PLACE = "pyama-samples";

/**
 * Names and fields of view as they were left; null if nothing was changed since the last merge.
 * @param {string} dir
 * @returns {Array<[string, string]> | null}
 */
export function keptSamples(dir) {
  try {
    const place = `${PLACE} ${dir}`;
    return JSON.parse(sessionStorage.getItem(place) ?? localStorage.getItem(place) ?? "null");
  } catch {
    return null; // written by something else
  }
}

/**
 * Keeps what is typed into the rows of a table from now on.
 * @param {string} dir
 * @param {HTMLElement} rows
 */
export function keepSamples(dir, rows) {
  const save = () => {
    for (const storage of [sessionStorage, localStorage]) storage.setItem(`${PLACE} ${dir}`, JSON.stringify(readRows(rows)));
  };
  rows.addEventListener("input", save);
  new MutationObserver(save).observe(rows, { childList: true });
}

/** @param {string} dir */
export function forgetSamples(dir) {
  for (const storage of [sessionStorage, localStorage]) storage.removeItem(`${PLACE} ${dir}`);
}

/**
 * What is typed in the rows.
 * @param {HTMLElement} rows
 */
export function readRows(rows) {
  return [...rows.children].map((row) => [...row.querySelectorAll("input")].map(({ value }) => value));
}
