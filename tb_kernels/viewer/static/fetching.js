/** The one place that knows where answers come from: a server, or the page itself. */

/** @import {Source} from "./types.js" */

// The epoch without a number has a name in answers and addresses; in here it is -1.
const FINAL = "final";

// The pictures asked for are others by now.
const CHANGED = 409;

/** The log has changed since the page was told of it. */
export class Changed extends Error {
  /** @type {Promise<void> | undefined} Until the page is told of it again. */
  told;
}

/**
 * The relative address of an answer.
 * @param {string} route
 * @param {Record<string, string | number>} [asked]
 */
export function addressOf(route, asked = {}) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) {
    said.set(name, name === "epoch" && Number(value) < 0 ? FINAL : String(value));
  }
  const query = said.toString();
  return query ? `${route}?${query}` : route;
}

/** One spelling of an address, whoever wrote it. @param {string} address */
export function canonical(address) {
  const [route, query = ""] = address.split(/\?(.*)/s);
  const said = new URLSearchParams(query);
  said.sort();
  return `${route}?${said}`;
}

/** @param {string | URL} base Of the routes. @returns {Source} */
export function serverAt(base) {
  /** @param {string} address */
  async function answer(address) {
    let response;
    try {
      response = await fetch(new URL(address, base));
    } catch {
      throw new Error("The server does not answer. Is it still running?");
    }
    if (response.ok) return response;
    const reason = await reasonOf(response);
    throw response.status === CHANGED ? new Changed(reason) : new Error(reason);
  }
  return {
    live: true,
    json: async (address) => numbered(await (await answer(address)).json()),
    picture: async (address) => (await answer(address)).blob(),
  };
}

/** An answer whose epochs are all numbers. @param {any} answer */
function numbered(answer) {
  for (const run of answer.runs ?? []) {
    for (const one of [run, ...run.layers]) {
      one.epochs = one.epochs.map((/** @type {number | string} */ epoch) => (epoch === FINAL ? -1 : epoch));
    }
  }
  return answer;
}

/** @param {Response} response */
async function reasonOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // Not an answer of ours, so that it has nothing to say to people.
  }
  return `The server answered with an error (${response.status}).`;
}

/**
 * Answers that lie in the page: objects, and pictures as `data:` addresses.
 * @param {Record<string, any>} answers By address.
 * @returns {Source}
 */
export function embedded(answers) {
  const found = new Map(Object.entries(answers).map(([at, answer]) => [canonical(at), answer]));
  /** @param {string} address */
  function answer(address) {
    const there = found.get(canonical(address));
    if (there === undefined) throw new Error("This page does not hold that part of the log.");
    if (there.error) throw new Error(there.error);
    return there;
  }
  return {
    live: false,
    json: async (address) => numbered(structuredClone(answer(address))),
    // Decoded here, since a page may forbid requests even to itself.
    picture: async (address) => {
      const [, code] = String(answer(address)).split(",");
      const bytes = Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0));
      return new Blob([bytes], { type: "image/png" });
    },
  };
}
