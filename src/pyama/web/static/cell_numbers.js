// Numbers of cells over the images: white with a dark halo.

import { contextOf, element } from "./elements.js";

/** @typedef {{halo: HTMLCanvasElement, inside: HTMLCanvasElement, advance: number}} Digit */

/** @type {Map<number, Array<Digit>>} The digits 0 to 9 by their size: drawing a halo takes long. */
const digits = new Map();

/**
 * @param {number} size In px of the canvas.
 * @returns {Array<Digit>}
 */
function digitsOf(size) {
  const known = digits.get(size);
  if (known) return known;
  const made = Array.from({ length: 10 }, (_, digit) => makeDigit(`${digit}`, size));
  digits.set(size, made);
  return made;
}

/** @param {number} size */
const haloOf = (size) => Math.ceil(size / 4);

/**
 * @param {string} digit
 * @param {number} size
 * @returns {Digit}
 */
function makeDigit(digit, size) {
  const halo = haloOf(size);
  const made = [0, 1].map(() => {
    const canvas = element("canvas", { width: size + 2 * halo, height: 2 * size });
    const context = contextOf(canvas);
    Object.assign(context, {
      font: `600 ${size}px system-ui, sans-serif`, textBaseline: "middle", textAlign: "left",
      lineJoin: "round", lineWidth: halo, strokeStyle: "#000", fillStyle: "#fff",
    });
    return { canvas, context };
  });
  made[0].context.strokeText(digit, halo, size);
  made[1].context.fillText(digit, halo, size);
  return { halo: made[0].canvas, inside: made[1].canvas, advance: made[1].context.measureText(digit).width };
}

/**
 * @param {CanvasRenderingContext2D} context In pixels of the canvas.
 * @param {number} number
 * @param {[number, number]} middle
 * @param {number} size Of the digits in px.
 */
export function drawNumber(context, number, [x, y], size) {
  const shown = [...`${number}`].map((digit) => digitsOf(size)[Number(digit)]);
  const start = x - shown.reduce((sum, { advance }) => sum + advance, 0) / 2 - haloOf(size);
  // All halos first: none covers the digit before it.
  for (const part of /** @type {const} */ (["halo", "inside"])) {
    let left = start;
    for (const digit of shown) {
      context.drawImage(digit[part], Math.round(left), Math.round(y - size));
      left += digit.advance;
    }
  }
}
