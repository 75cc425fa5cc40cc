// The parts without a page: weights, scales, orders, colours, state, geometry.

import assert from "node:assert/strict";
import { test } from "node:test";

const at = (name) => import(`../../tb_kernels/viewer/static/${name}.js`);
const [levels, measures, scales, colours, geometry, painting, state, times, numbers, fetching, cache, scene] =
  await Promise.all(
    ["levels", "measures", "scales", "colours", "geometry", "painting", "state", "times", "numbers", "fetching", "cache", "scene"].map(at),
  );

const HEAD = {
  mode: "levels", numbers: [1, 2], window: [1, 1, 2], limits: [[-1, 1]], columns: 1, colormap: "gray",
  palette: null, rgb: false, finite: true, captions: ["", ""], parts: [{ first: 0, count: 2, width: 4, height: 1 }],
};
const rgba = (...greys) => Uint8Array.from(greys.flatMap((grey) => [grey, grey, grey, 255]));
const sheetOf = (greys, head = HEAD) => levels.unpack(head, head.parts[0], rgba(...greys));

test("a level stands for low + level / 255 * (high - low)", () => {
  assert.deepEqual([...levels.weightsOf(sheetOf([0, 255, 51, 204]), 0)], [-1, 1]);
  const second = levels.weightsOf(sheetOf([0, 255, 51, 204]), 1);
  assert.ok(Math.abs(second[0] + 0.6) < 1e-12 && Math.abs(second[1] - 0.6) < 1e-12);
});

test("each kernel may have limits of its own, and what is not finite is not a number", () => {
  const head = { ...HEAD, finite: false, limits: [[0, 1], [10, 20]] };
  const pixels = Uint8Array.of(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 0, 255, 255, 0, 0, 255);
  const sheet = levels.unpack(head, head.parts[0], pixels);
  assert.deepEqual([...levels.weightsOf(sheet, 0)], [1, NaN]);
  assert.deepEqual([...levels.weightsOf(sheet, 1)], [10, 20]);
});

test("a picture that is too small is an error, and the rest of its last row is ignored", () => {
  assert.throws(() => sheetOf([0, 1, 2]), /smaller/);
  assert.equal(sheetOf([0, 1, 2, 3, 9, 9]).levels.length, 4);
});

test("parts are joined in their places", () => {
  const one = levels.unpack(HEAD, { first: 0, count: 1 }, rgba(1, 2));
  const two = levels.unpack(HEAD, { first: 1, count: 1 }, rgba(3, 4));
  assert.deepEqual([...levels.join([one, two]).levels], [1, 2, 3, 4]);
  assert.deepEqual([...levels.weightsOf(two, 1)], [...levels.weightsOf(levels.join([one, two]), 1)]);
});

test("norm, change, what is near zero, and the orders made of them", () => {
  const head = { ...HEAD, numbers: [4, 7, 9], limits: [[0, 255]], parts: [{ first: 0, count: 3 }] };
  const first = sheetOf([3, 4, 100, 0, 0, 0], head);
  const last = sheetOf([0, 0, 100, 10, 30, 40], head);
  const found = measures.measure(last, first, null);
  assert.deepEqual(found.change, [5, 10, 50]);
  assert.deepEqual(found.step, [null, null, null]);
  assert.equal(found.norm[2], 50);
  assert.deepEqual(found.zero, [true, false, false]);
  assert.deepEqual(measures.arrange(head.numbers, found, "change", 0), [2, 1, 0]);
  assert.deepEqual(measures.arrange(head.numbers, found, "norm", 0), [1, 2, 0]);
  assert.deepEqual(measures.arrange(head.numbers, found, "number", 10), [1, 2]);
});

test("a kernel with a weight that is not finite comes last and is not hidden", () => {
  const found = { norm: [NaN, 1], change: [NaN, 1], step: [null, null], zero: [false, false], bad: [true, false] };
  assert.deepEqual(measures.arrange([1, 2], found, "norm", 0), [1, 0]);
  assert.deepEqual(measures.arrange([1, 2], found, "number", 2), [0]);
});

test("scales", () => {
  const other = { ...HEAD, limits: [[-0.5, 3]] };
  const all = /** @type {[number, number][]} */ ([[-0.5, 0.5], [-0.5, 3]]);
  assert.deepEqual(scales.sharedRange("epoch", [HEAD], all), [-1, 1]);
  assert.deepEqual(scales.sharedRange("epoch", [HEAD, other], []), [-1, 3]);
  assert.deepEqual(scales.sharedRange("all", [HEAD], all), [-1, 3]);
  assert.deepEqual(scales.sharedRange("symmetric", [HEAD], all), [-3, 3]);
  assert.equal(scales.sharedRange("kernel", [HEAD], all), null);
  assert.deepEqual(scales.span([]), [0, 0]);
});

test("colours: ends, middle, what is beyond, what has no extent", () => {
  assert.deepEqual(colours.apart(colours.DIVERGING[255]), [103, 0, 31]);
  assert.deepEqual(colours.apart(colours.DIVERGING[0]), [5, 48, 97]);
  assert.ok(colours.apart(colours.DIVERGING[127]).every((value) => value >= 243));
  assert.equal(colours.indexOf(0, [-1, 1]), 128);
  assert.equal(colours.indexOf(9, [-1, 1]), 255);
  assert.equal(colours.indexOf(-9, [-1, 1]), 0);
  assert.equal(colours.indexOf(2, [2, 2]), 128);
  assert.deepEqual(colours.apart(colours.coloursIn(["#ff8001"])[0]), [255, 128, 1]);
});

test("each weight is a square of whole pixels, and between tiles nothing is drawn", () => {
  const head = { ...HEAD, numbers: [1], window: [2, 1, 2], columns: 2, parts: [{ first: 0, count: 1 }] };
  const sheet = sheetOf([0, 85, 170, 255], head);
  const plan = geometry.planOf(head, 3);
  assert.deepEqual([plan.width, plan.height, plan.gap], [13, 3, 1]);
  const paper = painting.paperOf(plan.width, plan.height);
  painting.draw(paper, painting.coloursIn(sheet, 0, [-1, 1], colours.GREYS), plan, 0, 0);
  for (let y = 0; y < 3; y++) {
    const row = [...paper.pixels.slice(y * 13, (y + 1) * 13)].map((pixel) => pixel && (pixel & 255) + 1);
    assert.deepEqual(row, [1, 1, 1, 86, 86, 86, 0, 171, 171, 171, 256, 256, 256]);
  }
  assert.deepEqual(geometry.weightAt(plan, 8, 1), { tile: 1, x: 0, y: 0 });
  assert.equal(geometry.weightAt(plan, 6, 1), null);
  assert.equal(geometry.weightAt(plan, 13, 1), null);
});

test("three slices are the red, green and blue of one tile", () => {
  const head = { ...HEAD, numbers: [1], window: [3, 1, 2], rgb: true, parts: [{ first: 0, count: 1 }] };
  const painted = painting.coloursIn(sheetOf([0, 10, 100, 110, 200, 210], head), 0, [-1, 1], colours.GREYS);
  assert.deepEqual([...painted].map(colours.apart), [[0, 100, 200], [10, 110, 210]]);
  assert.equal(geometry.planOf(head, 1).tiles, 1);
});

test("a weight that is not finite is red on every scale", () => {
  const head = { ...HEAD, numbers: [1], finite: false, parts: [{ first: 0, count: 1 }] };
  const sheet = levels.unpack(head, head.parts[0], Uint8Array.of(0, 255, 0, 255, 9, 0, 0, 255));
  for (const table of [colours.GREYS, colours.DIVERGING]) {
    assert.deepEqual(colours.apart(painting.coloursIn(sheet, 0, [-3, 3], table)[0]), [255, 0, 0]);
  }
});

test("differences are weights around zero", () => {
  const [now, before] = [sheetOf([255, 0, 0, 0]), sheetOf([0, 255, 0, 0])];
  const parts = { state: { ...state.START }, sheet: now, other: before, measures: null };
  const made = scene.sceneOf(parts, []);
  assert.equal(made.reach, 2);
  const [, , difference] = scene.faces(made, 0);
  assert.deepEqual([...difference], [colours.DIVERGING[255], colours.DIVERGING[0]]);
});

test("the largest scale that fits", () => {
  const head = { ...HEAD, window: [32, 3, 3], columns: 6 };
  for (const width of [17, 18, 60, 137, 400]) {
    const scale = geometry.scaleFor(head, width);
    assert.ok(scale === 1 || geometry.planOf(head, scale).width <= width);
    assert.ok(geometry.planOf(head, scale + 1).width > width);
  }
});

test("the wall draws what is in sight only", () => {
  const wall = geometry.wallOf(1000, 500, { width: 40, height: 40 }, { gap: 10, label: 20 });
  assert.deepEqual([wall.columns, wall.rows, wall.height], [10, 100, 7000]);
  assert.deepEqual(geometry.rowsIn(wall, 700, 140), [9, 13]);
  assert.deepEqual(geometry.rowsIn(wall, 0, 140), [0, 3]);
  assert.equal(geometry.topFor(wall, 50, 0, 700), 2870);
  assert.equal(geometry.topFor(wall, 2, 700, 700), 140);
});

test("state goes through text, and what is wrong is left out", () => {
  const chosen = { ...state.START, layer: "1-a&b=<i>#", epoch: 6, kernel: 2, order: "norm", hide: 0.25 };
  assert.deepEqual(state.stateIn(state.textOf(chosen)), chosen);
  assert.equal(state.textOf(state.START), "");
  assert.deepEqual(state.stateIn("order=evil&size=-3&epoch=x&hide=-1&__proto__=1"), state.START);
});

test("state is fitted to the log", () => {
  const layer = (view, key, epochs) => ({ view, key, number: key.split("-")[0], name: "x", epochs, versions: epochs.map(String) });
  const run = { name: "r", label: "r", epochs: [], layers: [layer("kernels", "1-a", [0, 10, -1]), layer("expanded", "3-b", [0])] };
  const log = { where: "", version: "", runs: [run] };
  const fitted = state.fit(log, { ...state.START, run: "gone", epoch: 6, compare: "e:99" });
  assert.deepEqual([fitted.run, fitted.view, fitted.layer, fitted.epoch, fitted.compare], ["r", "kernels", "1-a", 10, ""]);
  assert.equal(state.fit(log, state.START).epoch, -1);
  assert.equal(state.fit(log, { ...state.START, compare: "e:0" }).compare, "e:0");
});

test("epochs stand where the curve has them, the final one behind all", () => {
  const axis = times.axisOf([-1, 0, 10], [{ epochs: [1, 20], values: [1, 2] }], 0, 400);
  assert.deepEqual(axis.stops, [0, 10, -1]);
  assert.deepEqual([axis.x(0), axis.x(20), axis.x(-1)], [0, 360, 400]);
  assert.equal(times.stopAt(axis, 100), 10);
  assert.equal(times.stopAt(axis, 390), -1);
  assert.equal(times.stepFrom(axis.stops, 10, 1), -1);
  assert.equal(times.stepFrom(axis.stops, -1, 1), -1);
});

test("a curve is broken where it is not finite", () => {
  const same = (value) => value;
  assert.equal(times.pathOf({ epochs: [1, 2, 3, 4], values: [1, 2, null, 4] }, same, same), "M1.0 1.0L2.0 2.0M4.0 4.0");
  assert.equal(times.extent([{ epochs: [1], values: [null] }]), null);
});

test("statistics of a layer are found by either order of names", () => {
  const layer = { view: "kernels", key: "3-conv2d", number: "3", name: "conv2d_1" };
  const curve = { epochs: [], values: [] };
  const found = times.statisticsOf({ kernels: { "3-conv2d/kernel_norm": curve, "relative_change/3-conv2d": curve, "1-conv2d/kernel_norm": curve } }, layer);
  assert.deepEqual(Object.keys(found), ["kernel_norm", "relative_change"]);
});

test("weights have four digits and a true minus sign", () => {
  assert.equal(numbers.weight(-0.41234), "−0.4123");
  assert.equal(numbers.weight(0), "0");
  assert.equal(numbers.weight(1234.5), "1235");
  assert.equal(numbers.weight(1.5e-7), "1.500e−7");
  assert.equal(numbers.weight(NaN), "not finite");
});

test("answers in a page are found however their address is written", async () => {
  const source = fetching.embedded({ "layer?key=1%20%7Ea&run=.": { here: 1 }, "sprite?part=0": "data:image/png;base64,AAEC" });
  assert.deepEqual(await source.json(fetching.addressOf("layer", { run: ".", key: "1 ~a" })), { here: 1 });
  assert.equal((await source.picture("sprite?part=0")).size, 3);
  await assert.rejects(source.json("log"), /does not hold/);
});

test("what was used longest ago is forgotten first", () => {
  const memory = new cache.Cache(10);
  memory.set("a", 1, 5);
  memory.set("b", 2, 5);
  memory.get("a");
  memory.set("c", 3, 5);
  assert.deepEqual([memory.get("a"), memory.get("b"), memory.get("c"), memory.total], [1, undefined, 3, 10]);
  memory.set("huge", 4, 99);
  assert.equal(memory.get("huge"), 4);
});

test("a feature map that is nowhere above 0 is inactive, to within half a level", () => {
  const of = (limits, ...greys) => sheetOf(greys, { ...HEAD, limits });
  assert.deepEqual(measures.inactiveIn(sheetOf([0, 0, 0, 0]), of([[0, 255]], 0, 0, 0, 1)), [true, false]);
  // 0 is no level of this scale: the nearest stands for 0.25, half a level above.
  assert.deepEqual(measures.inactiveIn(sheetOf([0, 0, 0, 0]), of([[-127.25, 127.75]], 0, 127, 128, 0)), [true, false]);
  const other = { ...HEAD, numbers: [2, 3] };
  assert.deepEqual(measures.inactiveIn(sheetOf([0, 0, 0, 0]), sheetOf([0, 0, 255, 255], { ...other, limits: [[0, 1]] })), [false, true]);
});

test("the strongest slices of a kernel, and each as a kernel of its own", () => {
  const head = { ...HEAD, numbers: [7], window: [3, 1, 2], limits: [[-1, 1]], parts: [{ first: 0, count: 1, width: 6, height: 1 }] };
  const sheet = sheetOf([128, 128, 0, 0, 255, 128], head);
  assert.deepEqual(measures.strongestSlices(sheet, 0, 2).map(({ tile }) => tile), [1, 2]);
  assert.ok(Math.abs(measures.strongestSlices(sheet, 0, 1)[0].norm - Math.SQRT2) < 1e-12);
  const slice = levels.sliceOf(sheet, 0, 2);
  assert.deepEqual([...levels.weightsOf(slice, 0)], [1, 128 / 255 * 2 - 1]);
  assert.deepEqual(slice.head.window, [1, 1, 2]);
});
