/**
 * What goes through the viewer: the answers of the data routes, and what is made of them.
 *
 * @typedef {{view: string, key: string, number: string, name: string, kind: string | null,
 *   shape: number[] | null, axes: string | null, kernels: number, epochs: number[],
 *   versions: string[], model: number}} Layer Those of one model and number are of the same weights;
 *   an epoch's version is another as soon as its pictures are.
 * @typedef {{name: string, label: string, epochs: number[], layers: Layer[]}} Run
 * @typedef {{where: string, version: string, runs: Run[]}} Log
 *
 * @typedef {{epochs: number[], values: (number | null)[]}} Curve
 * @typedef {Record<string, Record<string, Curve>>} Curves By writer and tag.
 *
 * @typedef {{first: number, count: number, width: number, height: number}} Part
 * @typedef {[number, [string, number][]][]} Inputs Of each slice the input channel, and layer and
 *   number of those that make it.
 * @typedef {{mode: "levels" | "pictures", numbers: number[], window: number[],
 *   limits?: ([number | null, number | null])[], columns: number, colormap: string,
 *   palette: string[] | null, rgb: boolean, finite: boolean, captions: string[],
 *   inputs?: Inputs[], parts: Part[]}} Head What a layer's answer says of an epoch.
 *
 * @typedef {object} Sheet The kernels of a layer at an epoch, or some of them.
 * @property {Head} head
 * @property {number} first Where the first of `levels` stands among the head's numbers.
 * @property {number} count
 * @property {Uint8Array} levels A level a weight; of pictures red, green and blue of each.
 * @property {Uint8Array | null} bad 1 where a weight is not finite; null where all are.
 *
 * @typedef {[number, number]} Range The weights of the lowest and the highest colour.
 *
 * @typedef {object} Source Where answers come from.
 * @property {(address: string) => Promise<any>} json
 * @property {(address: string) => Promise<Blob>} picture
 * @property {boolean} live Whether there may be more later.
 *
 * @typedef {"number" | "change" | "step" | "norm"} Order
 * @typedef {"epoch" | "all" | "kernel" | "symmetric"} Scale
 * @typedef {"logged" | "grey" | "diverging"} Colours
 *
 * @typedef {object} State What a person has chosen.
 * @property {string} run
 * @property {string} view
 * @property {string} layer Its key.
 * @property {number} epoch
 * @property {number | null} kernel The one that is open.
 * @property {string} compare Empty, `e:` and an epoch, or `r:` and a run.
 * @property {Order} order
 * @property {number} hide Kernels that changed less than this are not shown.
 * @property {Scale} scale
 * @property {Colours} colours
 * @property {number | null} size Width of a kernel in CSS pixels; null for one that fits.
 * @property {string} curve Tag of the curve beside the epochs; empty for the loss.
 */

export {};
