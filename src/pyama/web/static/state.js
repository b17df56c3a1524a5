// What is shown. One object, read by all parts.

export const state = {
  dir: null, dataset: null, fov: null, details: null, frame: 0,
  groups: [], level: "1", slow: false, outlines: true, ids: false,
  ranges: new Map(), playing: false,
  tracks: null, byLabel: new Map(), byCell: new Map(), column: null, traces: null, parts: null, fits: null, fitModel: null,
  cell: null, other: null, page: 0, proposal: null,
  me: localStorage.getItem("pyama-me") ?? crypto.randomUUID(),
};
localStorage.setItem("pyama-me", state.me);

// The number a label has in the corrected table in a frame; null if it is not in the table.
export function cellOf(label, frame) {
  for (const [cell, first, last] of state.byLabel.get(label) ?? []) {
    if (first <= frame && frame <= last) return cell;
  }
  return null;
}

export function isBad(cell, frame) {
  return state.byCell.get(cell)?.bad.some(([first, last]) => first <= frame && frame <= last) ?? false;
}

export function index(tracks) {
  state.tracks = tracks;
  state.byLabel = new Map();
  state.byCell = new Map();
  for (const track of tracks.tracks) {
    state.byCell.set(track.cell, track);
    for (const [label, first, last] of track.segments) {
      if (!state.byLabel.has(label)) state.byLabel.set(label, []);
      state.byLabel.get(label).push([track.cell, first, last]);
    }
  }
}
