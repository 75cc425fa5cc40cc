/** Dark where the page around us is dark. */

/** The document around an iframe, if we may look at it. @returns {Document | null} */
function host() {
  try {
    return window.parent === window ? null : window.parent.document;
  } catch {
    return null;
  }
}

/** What the page around says; null where it says nothing. @param {Document | null} around */
function saidBy(around) {
  const body = around?.body;
  if (!body) return null;
  if (around.querySelector("tb-webapp, tf-tensorboard")) return body.classList.contains("dark-mode");
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body.classList.contains("dark-mode") || body.classList.contains("vscode-dark")) return true;
  return null;
}

/** Keeps an element's `data-theme` as it should be. @param {HTMLElement} root */
export function followTheme(root) {
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  const around = host();
  const apply = () => {
    root.dataset.theme = (saidBy(around) ?? saidBy(document) ?? preferred.matches) ? "dark" : "light";
  };
  preferred.addEventListener("change", apply);
  if (around?.body) {
    const looking = { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] };
    new MutationObserver(apply).observe(around.body, looking);
  }
  apply();
}
