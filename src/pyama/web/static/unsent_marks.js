// Marks of cells that the server has not answered yet, shown as if they were saved.

/** @typedef {import("./unsent_corrections.js").Click} Click */
/** @typedef {Extract<Api.ActionRequest["action"], {good: boolean}>} Mark */
/** @typedef {Api.Track & {isUnsent?: boolean}} ShownTrack With marks that are not saved yet, or without. */

/**
 * Marks that apply, after the undo and redo behind them.
 * @param {Array<Pick<Click, "kind" | "action">>} clicks Of one field of view, the oldest first.
 * @returns {Array<Mark>}
 */
export function unsentMarks(clicks) {
  /** @type {Array<Click["action"]>} */
  const done = [];
  /** @type {Array<Click["action"]>} */
  const undone = [];
  for (const { kind, action } of clicks) {
    if (kind === "act") {
      done.push(action);
      undone.length = 0;
      continue;
    }
    const [from, to] = kind === "undo" ? [done, undone] : [undone, done];
    if (from.length) to.push(/** @type {Click["action"]} */ (from.pop())); // else it is about what is saved
  }
  return done.filter((action) => action !== null && "good" in action);
}

/**
 * @param {Array<Api.Track>} tracks
 * @param {Array<Mark>} marks
 * @returns {Array<ShownTrack>}
 */
export function withMarks(tracks, marks) {
  if (!marks.length) return tracks;
  return tracks.map((track) => {
    const own = marks.filter(({ cell }) => cell === track.cell);
    return own.length ? { ...track, bad: own.reduce((bad, mark) => markedFrames(bad, mark, track), track.bad), isUnsent: true } : track;
  });
}

/**
 * The frames of a cell that are bad after a mark.
 * @param {Api.Track["bad"]} bad
 * @param {Mark} mark
 * @param {Api.Track} track
 */
function markedFrames(bad, { good, frame = 0 }, { segments }) {
  const before = bad.filter(([first]) => first < frame).map(([first, last]) => [first, Math.min(last, frame - 1)]);
  const after = segments.filter(([, , last]) => last >= frame).map(([, first, last]) => [Math.max(first, frame), last]);
  /** @type {Api.Track["bad"]} */
  const joined = [];
  for (const [first, last] of good ? before : [...before, ...after]) {
    const previous = joined.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = last;
    else joined.push([first, last]);
  }
  return joined;
}
