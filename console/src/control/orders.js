// How orders look, the same on every page.

import { h } from "../parts/dom.js";

/** @type {Record<string, [string, string]>} */
const STATES = { "to come": ["◷", "off"], pending: ["▲", "no_path"], "in force": ["■", "refused"], ended: ["○", "off"] };

/**
 * State of an order: mark and words, so that colour never stands alone.
 * @param {any} order
 */
export function orderBadge(order) {
  const [mark, look] = STATES[order.state] ?? ["◆", "off"];
  return h("span", { class: look }, `${mark} ${order.words}`);
}
