/** TensorBoard's door: it calls `render` in an empty document. */

import { serverAt } from "./fetching.js";
import { start } from "./start.js";

/** Shows the log that is served beside this file. */
export async function render() {
  const here = new URL("./", import.meta.url);
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("viewer.css", here).href;
  await new Promise((resolve) => {
    style.onload = style.onerror = resolve;
    document.head.append(style);
  });
  document.documentElement.lang = "en";
  document.title = "Kernels";
  start(document.body, serverAt(here));
}
