// Numbers as text, and the range of an axis.

/**
 * A number with some digits.
 * @param {number} value
 */
export function formatNumber(value, digits = 4) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits > 4 ? digits - 1 : 1);
  return String(Number(value.toPrecision(digits)));
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
 * The numbers along an axis, with as many digits as tell them apart.
 * @param {Array<number | null>} ticks Null has no text.
 * @param {number} step Between two of them.
 */
export function formatTicks(ticks, step) {
  const largest = Math.max(...ticks.map((tick) => Math.abs(tick ?? 0)));
  const digits = Math.min(Math.max(5, Math.ceil(Math.log10(largest / step)) + 2) || 5, 15);
  return ticks.map((tick) => (tick === null ? null : formatNumber(tick, digits).replace(/\.?0+e/, "e")));
}

/**
 * The least and the largest value; empty without any.
 * @param {Array<number | null>} values Null is none.
 */
export function extentOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [] : [low, high];
}

/**
 * The range of an axis that shows all values.
 * @param {Array<number | null>} values Null is not shown.
 * @param {number} [space] What is free at both ends, as a part of the range.
 * @returns {[number, number]}
 */
export function axisRange(values, space = 0.05) {
  const [low = 0, high = 1] = extentOf(values);
  const half = low === high ? Math.max(1, Math.abs(low) * 1e-6) : 0;
  const free = (high - low + 2 * half) * space;
  return [low - half - free, high + half + free];
}

/**
 * The numbers 1, 2 ... 9, 10, 20 ... along a logarithmic axis.
 * @param {number} low
 * @param {number} high
 */
export function logTicks(low, high) {
  const powers = Array.from({ length: Math.max(0, Math.ceil(Math.log10(high / low)) + 1) }, (_, i) => Math.floor(Math.log10(low)) + i);
  return powers.flatMap((power) => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => Number(`${k}e${power}`))).filter((tick) => low <= tick && tick <= high);
}

/**
 * The range of a logarithmic axis that shows all values above 0.
 * @param {Array<number | null>} values
 * @returns {[number, number]}
 */
export function logAxisRange(values) {
  const [low, high] = axisRange(values.map((value) => (value !== null && value > 0 ? Math.log10(value) : null)));
  return [10 ** low, 10 ** high];
}

/**
 * A number with a noun, which is in the plural unless it is one.
 * @param {number} n
 * @param {string} noun
 */
export const countText = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
