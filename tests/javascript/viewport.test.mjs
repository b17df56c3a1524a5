import assert from "node:assert/strict";
import { test } from "node:test";
import { fitFrame, moveBy, outlineSpacingAt, scaleBarLength, toFrame, transformOf, zoomAround } from "../../src/pyama/web/static/viewport.js";

const canvas = { width: 900, height: 400 };
const newView = () => ({ shape: [512, 1024], zoom: 1, centre: [0.5, 0.5], pixelSize: null });
const toCanvas = ({ scale, x, y }, point) => [point[0] * scale + x, point[1] * scale + y];
const near = (found, expected) => found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-9, `${found}, not ${expected}`));

test("a frame that fits is whole and in the middle", () => {
  const transform = transformOf(newView(), canvas);
  near(toCanvas(transform, [0, 0]), [50, 0]);
  near(toCanvas(transform, [1024, 512]), [850, 400]);
});

test("pixels of the canvas and of the frame are mapped to each other", () => {
  const view = newView();
  zoomAround(view, 3.7, [100, 400]);
  moveBy(view, 33, -12);
  const transform = transformOf(view, canvas);
  for (const point of [[0, 0], [17.5, 300], [1024, 512]]) near(toFrame(transform, ...toCanvas(transform, point)), point);
});

test("the point under the mouse stays there while one zooms", () => {
  const view = newView();
  for (const factor of [2, 1.3, 0.4, 5, 0.9]) {
    const point = [321, 123];
    const before = toCanvas(transformOf(view, canvas), point);
    zoomAround(view, factor, point);
    near(toCanvas(transformOf(view, canvas), point), before);
  }
});

test("without a point the centre stays", () => {
  const view = newView();
  zoomAround(view, 4, [10, 10]);
  const centre = [...view.centre];
  zoomAround(view, 2);
  near(view.centre, centre);
  assert.equal(view.zoom, 8);
});

test("zoom has limits, at which the view stays", () => {
  const view = newView();
  zoomAround(view, 1e6, [100, 100]);
  assert.equal(view.zoom, 64);
  const centre = [...view.centre];
  zoomAround(view, 2, [900, 400]);
  near(view.centre, centre);
  zoomAround(view, 1e-9);
  assert.equal(view.zoom, 0.5);
});

test("dragging moves the frame by as many pixels", () => {
  const view = newView();
  const before = toCanvas(transformOf(view, canvas), [50, 60]);
  const { scale } = transformOf(view, canvas);
  moveBy(view, 30 / scale, -8 / scale);
  near(toCanvas(transformOf(view, canvas), [50, 60]), [before[0] + 30, before[1] - 8]);
  fitFrame(view);
  near(toCanvas(transformOf(view, canvas), [50, 60]), before);
});

test("a scale bar has a round length and takes at most a fifth of the canvas", () => {
  for (let perUnit = 0.003; perUnit < 400; perUnit *= 1.37) {
    const length = scaleBarLength(perUnit, 1000);
    assert.match(length.toExponential(6), /^[125]\.000000e/);
    const part = length * perUnit;
    assert.ok(part <= 200 && part > 70, `${part} px`);
  }
});

test("no corner of an outline is left out that can be seen", () => {
  assert.deepEqual([10, 2, 1.5, 1.01].map(outlineSpacingAt), [0, 0, 0, 0]);
  for (const scale of [1, 0.7, 0.5, 1 / 3, 0.3, 0.1, 0.01]) {
    const spacing = outlineSpacingAt(scale);
    assert.ok(spacing >= 2 && (spacing - 1) * scale <= 1 + 1e-9, `${spacing} at ${scale}`);
  }
});
