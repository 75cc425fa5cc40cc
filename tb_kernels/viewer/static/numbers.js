/** Numbers as people read them. */

const MINUS = "−";

/**
 * A weight: four significant digits and a true minus sign.
 * @param {number | null | undefined} value
 */
export function weight(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "not finite";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  return signed(significant(value, 4));
}

/**
 * The same, shorter: where there is no room.
 * @param {number | null | undefined} value
 */
export function brief(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return weight(value);
  return signed(significant(value, 3));
}

/** @param {number} value @param {number} digits */
function significant(value, digits) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e");
  const text = value.toPrecision(digits);
  return text.includes("e") ? String(Number(text)) : text;
}

/** @param {string} text */
function signed(text) {
  return text.replace(/-/g, MINUS);
}

/** Epoch −1 is the model as training left it. @param {number} epoch */
export function epochName(epoch) {
  return epoch < 0 ? "final" : String(epoch);
}

/** @param {number} epoch */
export function epochTitle(epoch) {
  if (epoch < 0) return "final, as training left the model";
  return epoch === 0 ? "epoch 0, before training" : `epoch ${epoch}`;
}

/** @param {number} number @param {string} noun */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
