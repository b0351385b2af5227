// The sky over a terminal: every candidate satellite of a slot, and why it was or was not chosen.

import { fill, h } from "../parts/dom.js";
import { ink, mark, prepare, redraw } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { degrees, plain } from "../parts/words.js";

const SIZE = 380;
const EDGE = 26;

/** @typedef {"circle" | "cross" | "triangle" | "ring" | "square" | "diamond"} Shape */
/** Mark of each reason: shape and colour; the word stands in the key and the table. @type {Record<string, [Shape, import("../parts/paint.js").Ink]>} */
const MARKS = {
  SERVED: ["circle", "good"],
  NOT_CHOSEN: ["ring", "served"],
  NO_GRANT: ["cross", "refused"],
  ELEVATION: ["triangle", "off"],
  SATELLITE_OUT: ["cross", "off"],
  OBSTRUCTED: ["square", "no-path"],
  GSO_ARC: ["diamond", "no-path"],
  NO_GATEWAY: ["triangle", "refused"],
  NO_ANTENNA: ["square", "refused"],
  NO_BEAM: ["diamond", "refused"],
};
const SIGNS = { circle: "●", ring: "○", cross: "✖", triangle: "▲", square: "■", diamond: "◆" };

/** @param {any} candidate @returns {string} */
const reasonOf = (candidate) => (candidate.chosen ? "SERVED" : String(candidate.reason ?? "").toUpperCase());
/** @param {any} candidate @returns {[Shape, import("../parts/paint.js").Ink]} */
const markOf = (candidate) => MARKS[reasonOf(candidate)] ?? ["ring", "off"];
/** @param {any} candidate @returns {string} */
const wordsOf = (candidate) => (candidate.chosen ? "chosen: it serves" : (candidate.words ?? plain(String(candidate.reason))));

/** @param {AbortSignal} signal */
export function makeSkyPlot(signal) {
  /** @type {any[]} */
  let candidates = [];
  let mask = 25;
  /** @type {number | null} */
  let looked = null;
  const canvas = h("canvas", { role: "img", id: "sky-plot" });
  const key = h("ul", { class: "legend" });
  const said = h("p", { class: "quiet", "aria-live": "off" }, "Zenith in the middle, horizon at the edge, north up, east right.");
  const table = makeTable({
    caption: "Satellites above the terminal, and why each serves or does not",
    columns: [
      { title: "Satellite", value: (c) => h("a", { href: `#/satellite/${c.number}` }, c.name), sort: (c) => c.name },
      { title: "Why", value: (c) => h("span", {}, `${SIGNS[markOf(c)[0]]} ${wordsOf(c)}`), sort: wordsOf },
      { title: "Elevation", value: (c) => degrees(c.elevation_deg), sort: (c) => c.elevation_deg, right: true },
      { title: "Azimuth", value: (c) => degrees(c.azimuth_deg), sort: (c) => c.azimuth_deg, right: true },
    ],
    id: (c) => c.number,
    rowClass: (c) => (c.chosen ? "chosen" : ""),
    onhover: (c) => {
      looked = c.number;
      draw();
    },
    empty: "no satellite is above the horizon",
  });
  const element = h("div", { class: "columns" }, h("div", {}, canvas, said, key), table.element);

  /**
   * @param {number} azimuth
   * @param {number} elevation
   * @param {number} middle
   * @param {number} radius
   * @returns {[number, number]}
   */
  const point = (azimuth, elevation, middle, radius) => {
    const r = ((90 - elevation) / 90) * radius;
    return [middle + r * Math.sin((azimuth * Math.PI) / 180), SIZE / 2 - r * Math.cos((azimuth * Math.PI) / 180)];
  };

  function draw() {
    canvas.setAttribute("aria-label", `Sky plot: ${candidates.length} satellites; ${candidates.find((c) => c.chosen)?.name ?? "none"} serves. The table beside it says the same.`);
    const prepared = prepare(canvas, SIZE);
    if (!prepared) return;
    const { context: c, width } = prepared;
    const middle = width / 2;
    const radius = Math.min(width, SIZE) / 2 - EDGE;
    c.lineWidth = 1;
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (const elevation of [0, 30, 60]) {
      c.strokeStyle = ink("line");
      c.beginPath();
      c.arc(middle, SIZE / 2, ((90 - elevation) / 90) * radius, 0, 2 * Math.PI);
      c.stroke();
      c.fillStyle = ink("quiet");
      if (elevation) c.fillText(`${elevation}°`, middle + ((90 - elevation) / 90) * radius - 12, SIZE / 2 + 9);
    }
    c.setLineDash([4, 4]);
    c.strokeStyle = ink("quiet");
    c.beginPath();
    c.arc(middle, SIZE / 2, ((90 - mask) / 90) * radius, 0, 2 * Math.PI);
    c.stroke();
    c.setLineDash([]);
    for (const [word, azimuth] of /** @type {[string, number][]} */ ([["N", 0], ["E", 90], ["S", 180], ["W", 270]])) {
      const [x, y] = point(azimuth, -9, middle, radius);
      c.fillStyle = ink("text");
      c.fillText(word, x, y);
    }
    for (const candidate of [...candidates].reverse()) {
      const [shape, colour] = markOf(candidate);
      const low = reasonOf(candidate) === "ELEVATION"; // most of the sky: smaller and paler
      c.globalAlpha = low ? 0.55 : 1;
      const way = (candidate.track ?? []).map((/** @type {any} */ t) => (Array.isArray(t) ? t : [t.azimuth_deg, t.elevation_deg]));
      c.strokeStyle = ink(colour);
      c.lineWidth = candidate.chosen ? 2 : 1;
      c.beginPath();
      way.forEach((/** @type {[number, number]} */ [azimuth, elevation], /** @type {number} */ i) => {
        const [x, y] = point(azimuth, Math.max(elevation, 0), middle, radius);
        if (i) c.lineTo(x, y);
        else c.moveTo(x, y);
      });
      c.stroke();
      const [x, y] = point(candidate.azimuth_deg, candidate.elevation_deg, middle, radius);
      mark(c, shape, x, y, candidate.chosen ? 7 : low ? 2.5 : 4.5, ink(colour));
      c.globalAlpha = 1;
      if (candidate.chosen || candidate.number === looked) {
        c.lineWidth = 3;
        c.strokeStyle = ink("panel");
        c.fillStyle = ink("text");
        const above = y > 40 ? -15 : 15;
        c.strokeText(candidate.name, x, y + above);
        c.fillText(candidate.name, x, y + above);
      }
    }
  }
  canvas.addEventListener("pointermove", (event) => {
    const middle = canvas.clientWidth / 2;
    const radius = Math.min(canvas.clientWidth, SIZE) / 2 - EDGE;
    let best = 14;
    /** @type {any} */
    let found = null;
    for (const candidate of candidates) {
      const [x, y] = point(candidate.azimuth_deg, candidate.elevation_deg, middle, radius);
      const far = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (far < best) [best, found] = [far, candidate];
    }
    looked = found?.number ?? null;
    canvas.title = found ? `${found.name}: ${wordsOf(found)}` : "";
    draw();
  });
  redraw(canvas, signal, draw);

  return {
    element,
    /** @param {any} answer  what GET /terminals/{id}/candidates answers */
    show(answer) {
      candidates = answer.items ?? [];
      mask = answer.min_elevation_deg ?? mask;
      /** @type {Map<string, any>} */
      const kinds = new Map();
      for (const candidate of candidates) {
        const kind = kinds.get(reasonOf(candidate)) ?? { candidate, count: 0 };
        kind.count++;
        kinds.set(reasonOf(candidate), kind);
      }
      fill(
        key,
        ...[...kinds.values()].map(({ candidate, count }) => {
          const sign = h("span", { class: "mark", "aria-hidden": "true" }, SIGNS[markOf(candidate)[0]]);
          sign.style.color = ink(markOf(candidate)[1]);
          return h("li", {}, sign, ` ${count} ${wordsOf(candidate)}`);
        }),
      );
      table.show(candidates);
      draw();
    },
  };
}
