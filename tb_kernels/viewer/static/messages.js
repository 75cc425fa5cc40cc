/** What is said where there is nothing to show. */

import { element } from "./dom.js";
import { LINE } from "./words.js";

/** @param {string} where */
export function nothingLogged(where) {
  const code = element("code", { text: LINE });
  const copied = element("span", { role: "status" });
  const copy = element("button", {
    type: "button", text: "Copy",
    onclick: () => navigator.clipboard.writeText(LINE).then(
      () => (copied.textContent = "Copied."),
      () => getSelection()?.selectAllChildren(code),
    ),
  });
  return element("div", { class: "message" }, [
    element("h2", { text: "No kernels are logged here yet" }),
    element("p", { text: `Nothing was found in ${where || "this log directory"}. Give model.fit this callback, from tb_kernels:` }),
    element("p", { class: "line" }, [code, copy, copied]),
    element("p", { class: "faint", text: "Kernels appear here by themselves, also while training runs." }),
  ]);
}

/** @param {string} text @param {() => void} retry */
export function failed(text, retry) {
  return element("div", { class: "message", role: "alert" }, [
    element("h2", { text: "This could not be shown" }),
    element("p", { text }),
    element("button", { type: "button", text: "Try again", onclick: retry }),
  ]);
}

/** @param {string} text */
export function plainly(text) {
  return element("div", { class: "message", role: "status" }, [element("p", { text })]);
}
