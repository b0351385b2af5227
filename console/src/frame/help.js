// Keys, and what the shapes mean.

import { byId, h, put } from "../parts/dom.js";

const KEYS = [
  ["/", "to the search"],
  ["?", "this list"],
  ["← → ↑ ↓", "turn the globe, move the map (when it has the focus)"],
  ["+ −", "nearer, farther"],
  ["n", "next terminal on the globe"],
  ["Enter", "open what is chosen"],
  ["Esc", "close, choose nothing"],
];
const OFF = "skyhaul.keys-off";

export function buildHelp() {
  const off = h("input", { type: "checkbox", id: "keys-off" });
  off.checked = localStorage.getItem(OFF) === "1";
  off.addEventListener("change", () => localStorage.setItem(OFF, off.checked ? "1" : "0"));
  const dialog = h(
    "dialog",
    { "aria-labelledby": "keys" },
    h("h2", { id: "keys" }, "Keys"),
    h("dl", { class: "facts" }, KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
    h("p", {}, h("label", {}, off, " No single-letter keys")),
    h("button", { onclick: () => dialog.close() }, "Close"),
  );
  document.body.append(dialog);
  const button = h("button", { title: "Keys", "aria-label": "Keys", onclick: () => dialog.showModal() }, "?");
  put(byId("tools"), button);
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (off.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, textarea, select, dialog")) return;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search-input")?.focus();
    } else if (event.key === "?") dialog.showModal();
  });
}
