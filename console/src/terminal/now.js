// The state of a terminal in words.

import { fill, h } from "../parts/dom.js";
import { nameOf, whyWords } from "../parts/listings.js";
import { degrees, enc, instant, milliseconds, number, percent, place, plain, rate, stateWords } from "../parts/words.js";

/** @param {any} terminal */
export function sentence(terminal) {
  const name = terminal.name ?? terminal.id;
  if (terminal.state === "served")
    return `${name} is served by ${nameOf(terminal.satellite)} through the gateway ${nameOf(terminal.gateway)} and the point of presence ${nameOf(terminal.pop)}.`;
  if (terminal.state === "refused") return `${name} may not be served: ${whyWords(terminal)}.`;
  if (terminal.state === "no_path") return `${name} may be served, but has no path: ${whyWords(terminal)}.`;
  return `${name} is ${stateWords(terminal.state).word}: ${whyWords(terminal)}.`;
}

/**
 * @param {HTMLElement} list  a `dl`
 * @param {any} t
 */
export function showFacts(list, t) {
  /** @type {[string, import("../parts/dom.js").Child][]} */
  const facts = [
    ["Code it shows", t.code === undefined || t.code === null ? "–" : `${t.code} ${plain(t.code_name ?? "")}`],
    ["Rule", t.rule ? h("code", {}, t.rule) : "–"],
    ["Satellite", t.satellite_number ? h("a", { href: `#/satellite/${t.satellite_number}` }, nameOf(t.satellite)) : nameOf(t.satellite)],
    ["Gateway, PoP", t.gateway ? `${nameOf(t.gateway)}, ${nameOf(t.pop)}` : "–"],
    ["Round trip", milliseconds(t.rtt_ms)],
    ["Loss", t.state === "served" ? percent(t.loss) : "–"],
    ["Rate", t.rate_down_bps ? `${rate(t.rate_down_bps)} down, ${rate(t.rate_up_bps)} up` : "–"],
    ["Looks at", t.elevation_deg === null || t.elevation_deg === undefined ? "–" : `azimuth ${degrees(t.azimuth_deg)}, elevation ${degrees(t.elevation_deg)}`],
    ["Place", `${place(t.latitude_deg, t.longitude_deg)}${t.position_precision === "cell" ? " (middle of its cell)" : ""}`],
    ["Cell", h("a", { href: `#/map?cell=${enc(t.cell)}` }, h("code", {}, String(t.cell)))],
    ["Permission", t.lease_ends ? `until ${instant(t.lease_ends)}, then renewed or not` : t.state === "served" ? "without an end" : "–"],
    ["Moves", t.moving ? (t.speed_m_s ? `at ${number(t.speed_m_s, 1)} m/s` : "yes") : "no"],
  ];
  fill(list, ...facts.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}
