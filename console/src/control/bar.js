// What the pages of service control share: the way between them, and how they say what went wrong.

import { h } from "../parts/dom.js";
import { instant } from "../parts/words.js";

/** @type {[string, string][]} */
const PAGES = [
  ["/territory", "Territory"],
  ["/licences", "Licences"],
  ["/orders", "Orders"],
  ["/allow-lists", "Allow-lists"],
  ["/check", "Check a place"],
  ["/log", "Log"],
];

/** @param {string} current  path of the page */
export function controlBar(current) {
  return h(
    "nav",
    { class: "control-bar", "aria-label": "Service control" },
    PAGES.map(([path, word]) => h("a", { href: `#${path}`, "aria-current": path === current ? "page" : null }, word)),
  );
}

/**
 * Runs something that may be refused, and says so in an element that is heard.
 * @param {HTMLElement} trouble
 * @param {() => Promise<void>} what
 * @param {HTMLButtonElement[]} [buttons]  which cannot be pressed meanwhile
 */
export async function attempt(trouble, what, buttons = []) {
  trouble.textContent = "";
  trouble.hidden = true;
  for (const button of buttons) button.disabled = true;
  try {
    await what();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    trouble.hidden = false;
    trouble.textContent = error instanceof Error ? error.message : String(error);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/** A place for what went wrong. */
export const troubleBox = () => h("p", { class: "problem", role: "alert", hidden: true });

/**
 * The time for which something is said.
 * @param {any} fact  with valid_from and valid_to
 */
export const during = (fact) => `${instant(fact.valid_from)} to ${fact.valid_to ? instant(fact.valid_to) : "further notice"}`;
