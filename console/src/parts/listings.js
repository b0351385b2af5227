// Columns that several pages show alike.

import { h } from "./dom.js";
import { enc, milliseconds, number, percent, plain, rate, stateWords } from "./words.js";

/**
 * A terminal's state: mark, word, colour.
 * @param {string} state
 */
export function stateBadge(state) {
  const { mark, word } = stateWords(state);
  return h("span", { class: state }, `${mark} ${word}`);
}

/** @param {any} terminal */
export const terminalLink = (terminal) => h("a", { href: `#/terminal/${enc(terminal.id)}` }, terminal.name ?? terminal.id);

/** @param {any} satellite  with name and number */
export const satelliteLink = (satellite) => h("a", { href: `#/satellite/${satellite.number}` }, satellite.name);

/** @type {import("./table.js").Column<any>[]} */
export const TERMINAL_COLUMNS = [
  { title: "Terminal", value: terminalLink, sort: (t) => t.name ?? t.id },
  { title: "State", value: (t) => stateBadge(t.state), sort: (t) => t.state },
  { title: "Why", value: (t) => whyWords(t), sort: (t) => whyWords(t) },
  { title: "Satellite", value: (t) => nameOf(t.satellite), sort: (t) => nameOf(t.satellite) },
  { title: "Gateway", value: (t) => nameOf(t.gateway), sort: (t) => nameOf(t.gateway) },
  { title: "PoP", value: (t) => nameOf(t.pop), sort: (t) => nameOf(t.pop) },
  { title: "RTT", value: (t) => milliseconds(t.rtt_ms), sort: (t) => t.rtt_ms, right: true },
  { title: "Rate down", value: (t) => rate(t.rate_down_bps), sort: (t) => t.rate_down_bps, right: true },
  { title: "Loss", value: (t) => percent(t.loss), sort: (t) => t.loss, right: true },
];

/** @type {import("./table.js").Column<any>[]} */
export const SATELLITE_COLUMNS = [
  { title: "Satellite", value: satelliteLink, sort: (s) => s.name },
  { title: "Number", value: (s) => String(s.number), sort: (s) => s.number, right: true },
  { title: "Shell", value: (s) => s.shell ?? "–", sort: (s) => s.shell },
  { title: "State", value: satelliteState, sort: satelliteState },
  { title: "Terminals", value: (s) => number(s.serving_terminals), sort: (s) => s.serving_terminals, right: true },
  { title: "Cells", value: (s) => number(s.serving_cells), sort: (s) => s.serving_cells, right: true },
  { title: "Gateway", value: (s) => nameOf(s.gateway), sort: (s) => nameOf(s.gateway) },
  { title: "Altitude", value: (s) => `${number(s.altitude_km)} km`, sort: (s) => s.altitude_km, right: true },
];

/** @param {any} satellite */
function satelliteState(satellite) {
  if (satellite.out) return "✖ out of service";
  return satellite.serving_cells ? "● serving" : "○ idle";
}

/**
 * A name, whether the server gives the name or a record with one.
 * @param {any} thing
 */
export function nameOf(thing) {
  if (thing === null || thing === undefined || thing === "") return "–";
  return typeof thing === "object" ? (thing.name ?? String(thing.number ?? thing.id)) : String(thing);
}

/**
 * Why a terminal is in its state, in one line.
 * @param {any} terminal
 */
export function whyWords(terminal) {
  const words = terminal.words ?? "";
  if (words === stateWords(terminal.state).word) return "–";
  if (terminal.state !== "refused") return words || "–";
  // "no grant: code 6 BLOCKED_COUNTRY, unlicensed country (92), rule licence.missing": code and rule stand by themselves.
  const alert = /, ([a-z ]+) \(\d+\)/.exec(words)?.[1];
  return terminal.rule ? `${plain(terminal.code_name)}${alert ? `, ${alert}` : ""} (rule ${terminal.rule})` : words;
}
