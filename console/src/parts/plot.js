// A plot of one quantity over time: gaps stay gaps, slots are marked, the value under the cursor is said.
// An own one because of these: slot marks and outages under the line, one cursor through several plots,
// colours of the theme, keys. 900 samples need no library.

import { h, say } from "./dom.js";
import { ink, prepare, redraw } from "./paint.js";
import { clock } from "./words.js";

const HEIGHT = 130;
const LEFT = 78;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

/**
 * @typedef {object} Series
 * @property {readonly number[]} time  Unix seconds, ascending
 * @property {readonly (number | null)[]} values  null: no value then
 * @property {readonly number[]} slots  starts of slots
 * @property {readonly number[]} changes  instants of handovers
 */

/**
 * @param {object} options
 * @param {string} options.title
 * @param {(value: number | null | undefined) => string} options.words  of a value with its unit
 * @param {AbortSignal} options.signal
 * @param {number} [options.least]  the scale reaches at least so far
 * @param {(time: number | null) => void} [options.oncursor]
 */
export function makePlot({ title, words, signal, least = 1, oncursor }) {
  /** @type {Series} */
  let series = { time: [], values: [], slots: [], changes: [] };
  /** @type {number | null} */
  let cursor = null;
  const canvas = h("canvas", { tabindex: 0, role: "img", height: HEIGHT });
  const value = h("output", { class: "number" });
  const element = h("figure", { class: "plot" }, h("figcaption", {}, h("span", {}, title), value), canvas);
  canvas.style.height = `${HEIGHT}px`;

  /** @returns {[number, number]} */
  const range = () => [series.time[0] ?? 0, series.time.at(-1) ?? 1];
  const index = () => (cursor === null ? -1 : nearest(series.time, cursor));

  function draw() {
    const at = index();
    say(value, at < 0 ? words(series.values.findLast((v) => v !== null)) : `${clock(series.time[at])}: ${words(series.values[at])}`);
    const known = series.values.filter((v) => v !== null);
    canvas.setAttribute(
      "aria-label",
      known.length
        ? `${title} from ${clock(range()[0])} to ${clock(range()[1])}: between ${words(Math.min(...known))} and ${words(Math.max(...known))}; left and right move through it`
        : `${title}: no values`,
    );
    const prepared = prepare(canvas, HEIGHT);
    if (!prepared || series.time.length < 2) return;
    const { context: c, width, height } = prepared;
    const [from, to] = range();
    const top = nice(Math.max(least, ...known));
    const x = (/** @type {number} */ t) => LEFT + ((t - from) / (to - from)) * (width - LEFT - RIGHT);
    const y = (/** @type {number} */ v) => height - BOTTOM - (v / top) * (height - TOP - BOTTOM);
    // Slots as a quiet ruler, handovers as full lines.
    c.fillStyle = ink("raised");
    series.slots.forEach((slot, i) => {
      if (i % 2) c.fillRect(x(slot), TOP, x(Math.min(to, slot + 15)) - x(slot), height - TOP - BOTTOM);
    });
    c.strokeStyle = ink("line");
    c.fillStyle = ink("quiet");
    c.lineWidth = 1;
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const part of [0, 0.5, 1]) {
      c.beginPath();
      c.moveTo(LEFT, y(top * part));
      c.lineTo(width - RIGHT, y(top * part));
      c.stroke();
      c.fillText(words(top * part), LEFT - 5, y(top * part));
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    const minutes = width < 520 ? 300 : 180;
    for (let t = Math.ceil(from / minutes) * minutes; t < to; t += minutes) c.fillText(clock(t).slice(0, 5), x(t), height - BOTTOM + 5);
    c.strokeStyle = ink("quiet");
    c.setLineDash([2, 3]);
    for (const change of series.changes) {
      if (change < from) continue;
      c.beginPath();
      c.moveTo(x(change), TOP);
      c.lineTo(x(change), height - BOTTOM);
      c.stroke();
    }
    c.setLineDash([]);
    // No value: a hatched band, so that an outage is seen and not drawn over.
    gaps(series).forEach(([a, b]) => hatch(c, x(a), TOP, x(b) - x(a), height - TOP - BOTTOM, ink("refused")));
    c.strokeStyle = ink("accent");
    c.lineWidth = 1.5;
    c.beginPath();
    let drawing = false;
    series.values.forEach((v, i) => {
      if (v === null || v === undefined) drawing = false;
      else if (drawing) c.lineTo(x(series.time[i]), y(v));
      else {
        c.moveTo(x(series.time[i]), y(v));
        drawing = true;
      }
    });
    c.stroke();
    if (at >= 0) {
      c.strokeStyle = ink("text");
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(x(series.time[at]), TOP);
      c.lineTo(x(series.time[at]), height - BOTTOM);
      c.stroke();
    }
  }

  /** @param {number | null} time */
  function move(time) {
    cursor = time;
    draw();
    oncursor?.(time);
  }
  canvas.addEventListener("pointermove", (event) => {
    const [from, to] = range();
    const share = (event.offsetX - LEFT) / (canvas.clientWidth - LEFT - RIGHT);
    move(share < 0 || share > 1 ? null : from + share * (to - from));
  });
  canvas.addEventListener("pointerleave", () => move(null));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15 }[event.key];
    if (event.key === "Escape") return move(null);
    if (!step) return undefined;
    event.preventDefault();
    const at = index() < 0 ? series.time.length - 1 : index();
    return move(series.time[Math.max(0, Math.min(series.time.length - 1, at + step))] ?? null);
  });
  redraw(canvas, signal, draw);

  return {
    element,
    /** @param {Series} next */
    show(next) {
      series = next;
      draw();
    },
    /** @param {number | null} time  of a cursor elsewhere */
    cursor(time) {
      cursor = time;
      draw();
    },
  };
}

/**
 * Stretches without a value.
 * @param {Series} series
 * @returns {[number, number][]}
 */
export function gaps({ time, values }) {
  /** @type {[number, number][]} */
  const found = [];
  let start = -1;
  values.forEach((value, i) => {
    if (value === null && start < 0) start = i;
    if (value !== null && start >= 0) {
      found.push([time[start], time[i]]);
      start = -1;
    }
  });
  if (start >= 0 && start < time.length - 1) found.push([time[start], /** @type {number} */ (time.at(-1))]);
  return found;
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {string} colour
 */
function hatch(c, x, y, width, height, colour) {
  c.save();
  c.beginPath();
  c.rect(x, y, Math.max(width, 1), height);
  c.clip();
  c.strokeStyle = colour;
  c.globalAlpha = 0.55;
  c.lineWidth = 1;
  c.beginPath();
  for (let k = -height; k < width; k += 6) {
    c.moveTo(x + k, y + height);
    c.lineTo(x + k + height, y);
  }
  c.stroke();
  c.restore();
}

/**
 * Index of the value nearest to a time.
 * @param {readonly number[]} times  ascending
 * @param {number} time
 */
export function nearest(times, time) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
}

/**
 * The next 1, 2 or 5 times a power of ten.
 * @param {number} value
 */
export function nice(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value * 0.999) ?? 10) * power;
}
