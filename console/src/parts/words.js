// Numbers, times and states in words, the same everywhere.

const NONE = "–";

/** @param {number | null | undefined} value */
function missing(value) {
  return value === null || value === undefined || !Number.isFinite(value);
}

/**
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function number(value, digits = 0) {
  if (missing(value)) return NONE;
  return Number(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {number | null | undefined} ms */
export const milliseconds = (ms) => (missing(ms) ? NONE : `${number(ms, 1)} ms`);

/** @param {number | null | undefined} share  0 to 1 */
export const percent = (share) => (missing(share) ? NONE : `${number(Number(share) * 100, 1)} %`);

/** @param {number | null | undefined} bps */
export function rate(bps) {
  if (missing(bps)) return NONE;
  const value = Number(bps);
  if (value >= 1e9) return `${number(value / 1e9, 2)} Gbit/s`;
  if (value >= 1e6) return `${number(value / 1e6, 0)} Mbit/s`;
  return `${number(value / 1e3, 0)} kbit/s`;
}

/** @param {number | null | undefined} count */
export function bytes(count) {
  if (missing(count)) return NONE;
  const value = Number(count);
  if (value >= 1e9) return `${number(value / 1e9, 2)} GB`;
  return value >= 1e6 ? `${number(value / 1e6, 1)} MB` : `${number(value / 1e3, 1)} kB`;
}

/** @param {number | null | undefined} degrees */
export const degrees = (degrees) => (missing(degrees) ? NONE : `${number(degrees, 1)}°`);

/**
 * A place in words.
 * @param {number | null | undefined} latitude
 * @param {number | null | undefined} longitude
 */
export function place(latitude, longitude) {
  if (missing(latitude) || missing(longitude)) return NONE;
  const ns = Number(latitude) < 0 ? "S" : "N";
  const ew = Number(longitude) < 0 ? "W" : "E";
  return `${number(Math.abs(Number(latitude)), 2)}° ${ns}, ${number(Math.abs(Number(longitude)), 2)}° ${ew}`;
}

/**
 * Seconds as a person says them.
 * @param {number | null | undefined} seconds
 */
export function span(seconds) {
  if (missing(seconds)) return NONE;
  const value = Math.round(Number(seconds));
  if (value < 120) return `${value} s`;
  if (value < 7200) return `${Math.floor(value / 60)} min ${value % 60} s`;
  if (value < 172800) return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
  return `${Math.floor(value / 86400)} days`;
}

/**
 * Time of day, UTC.
 * @param {number | string | null | undefined} time  Unix seconds or ISO 8601
 */
export function clock(time) {
  const at = seconds(time);
  return at === null ? NONE : new Date(at * 1000).toISOString().slice(11, 19);
}

/**
 * Date and time of day, UTC.
 * @param {number | string | null | undefined} time
 */
export function instant(time) {
  const at = seconds(time);
  return at === null ? NONE : `${new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/**
 * Unix seconds of what the server writes; null where there is no time.
 * @param {number | string | null | undefined} time
 * @returns {number | null}
 */
export function seconds(time) {
  if (time === null || time === undefined || time === "") return null;
  if (typeof time === "number") return Number.isFinite(time) ? time : null;
  // JavaScript reads at most milliseconds; the server may write nanoseconds.
  const at = Date.parse(time.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(at) ? null : at / 1000;
}

/**
 * Unix seconds as ISO 8601.
 * @param {number} at
 */
export const iso = (at) => new Date(Math.round(at * 1000)).toISOString();

/** @param {string} code  e.g. BLOCKED_COUNTRY */
export const plain = (code) => code.replaceAll("_", " ").toLowerCase();

/** State of a terminal: word and shape, so that colour never stands alone. */
export const STATES = /** @type {const} */ ({
  served: { word: "served", mark: "●" },
  refused: { word: "refused", mark: "✖" },
  no_path: { word: "no path", mark: "▲" },
  off: { word: "off", mark: "○" },
});

/**
 * @param {string} state
 * @returns {{word: string, mark: string}}
 */
export function stateWords(state) {
  return STATES[/** @type {keyof typeof STATES} */ (state)] ?? { word: plain(state), mark: "◆" };
}

/**
 * @param {string | number} id
 */
export const enc = (id) => encodeURIComponent(String(id));
