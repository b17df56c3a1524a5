// Numbers as text, and the numbers along an axis.

/**
 * A number with four digits.
 * @param {number} value
 */
export function formatNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/**
 * A time with its unit.
 * @param {number} minutes
 */
export function formatTime(minutes) {
  return minutes >= 120 ? `${formatNumber(minutes / 60)} h` : `${formatNumber(minutes)} min`;
}

/**
 * Frames such as `3` or `5–7`, in words of the page.
 * @param {Array<[number, number]>} ranges First and last frames.
 */
export function formatRanges(ranges) {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/**
 * Round numbers between two values, about `n` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} n
 */
export function axisTicks(low, high, n) {
  const step = roundStep((high - low) / n || 1);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step + 0);
}

/**
 * The smallest of 1, 2, 5, 10, 20 ... that is not below `least`.
 * @param {number} least
 */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5].map((k) => k * power).find((step) => step >= least) ?? 10 * power;
}

/**
 * The range of an axis that shows all values, with a twentieth of it free at both ends.
 * @param {Array<number | null>} values Null is not shown.
 * @returns {[number, number]}
 */
export function axisRange(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  const half = low === high ? Math.max(1, Math.abs(low) * 1e-6) : 0;
  const space = (high - low + 2 * half) * 0.05;
  return [low - half - space, high + half + space];
}
