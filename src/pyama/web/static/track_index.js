// Which cell a label belongs to in a frame, and when a cell is marked as bad.

export class TrackIndex {
  /**
   * @param {Array<import("./unsent_marks.js").ShownTrack>} [tracks]
   * @param {Array<Api.AbsentCell>} [absent] Cells of the labels that have no trace.
   */
  constructor(tracks = [], absent = []) {
    this.absent = new Map(absent.map((cell) => [cell.cell, cell]));
    this.byCell = new Map(tracks.map((track) => [track.cell, track]));
    /** @type {Map<number, Array<{cell: number, first: number, last: number}>>} */
    this.byLabel = new Map();
    for (const { cell, segments } of tracks) {
      for (const [label, first, last] of segments) {
        this.byLabel.set(label, [...this.byLabel.get(label) ?? [], { cell, first, last }]);
      }
    }
  }

  get cells() {
    return [...this.byCell.keys()];
  }

  /**
   * The number that a label has in the corrected table in a frame; null if it is not in the table.
   * @param {number} label
   * @param {number} frame
   */
  cellOf(label, frame) {
    return this.byLabel.get(label)?.find(({ first, last }) => first <= frame && frame <= last)?.cell ?? null;
  }

  /**
   * @param {number} cell
   * @param {number} frame
   */
  isBad(cell, frame) {
    return this.byCell.get(cell)?.bad.some(([first, last]) => first <= frame && frame <= last) ?? false;
  }
}

/**
 * First and last frame of a track.
 * @param {Api.Track} track
 * @returns {[number, number]}
 */
export function frameSpan({ segments }) {
  return [segments[0][1], segments[segments.length - 1][2]];
}
