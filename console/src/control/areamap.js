// Recorded areas on the flat map. It draws what it is given and nothing else; coasts are the only lines of its own.

import { h } from "../parts/dom.js";
import { rings, unwrap } from "../parts/geo.js";
import { ink, mark } from "../parts/paint.js";
import { label, makeWorld, trace } from "../parts/world.js";

/**
 * @typedef {object} Shape
 * @property {[number, number][][]} lines  rings with continuous longitudes
 * @property {string} colour
 * @property {"none" | "soft" | "hatch" | "cross"} fill
 * @property {number[]} dash
 * @property {string} [text]
 * @property {boolean} [strong]
 * @typedef {{latitude: number, longitude: number, text: string}} Spot
 */

const HATCH_PX = 9;
const SMALLEST_PX = 7; // a shape that would be smaller is a mark of this size
const LINE_PX = 15; // of words
const KM_A_DEGREE = 111.32; // of longitude at the equator, WGS 84

/**
 * Rings of a GeoJSON geometry with continuous longitudes.
 * @param {any} geometry
 * @returns {[number, number][][]}
 */
export const outlines = (geometry) => rings(geometry).map((ring) => unwrap(ring));

/**
 * @param {object} options
 * @param {string} options.words  what the map shows, for those who hear the page
 * @param {AbortSignal} options.signal
 * @param {(latitude: number, longitude: number) => void} [options.onpick]  a click on a place
 */
export function makeAreaMap({ words, signal, onpick }) {
  /** @type {Shape[]} */
  let shapes = [];
  /** @type {Spot[]} */
  let spots = [];
  const world = makeWorld({
    words,
    height: () => Math.max(240, Math.min(480, innerHeight - 330)),
    signal,
    paint,
    onpick: (x, y) => {
      const [longitude, latitude] = world.flat.place(x, y);
      onpick?.(latitude, longitude);
    },
  });

  /** @type {import("../parts/world.js").Layer} */
  function paint(c, flat, turns) {
    for (const turn of turns) for (const shape of shapes) paintShape(c, flat, shape, turn);
    /** @type {[number, number, number, number][]} */
    const taken = [];
    for (const turn of turns) for (const shape of shapes) if (shape.text) write(c, flat, shape, turn, taken);
    c.textAlign = "center";
    c.textBaseline = "bottom";
    for (const turn of turns)
      for (const spot of spots) {
        const [x, y] = flat.point(spot.longitude, spot.latitude, turn);
        mark(c, "diamond", x, y, 6, ink("text"));
        label(c, spot.text, x, y - 10);
      }
    scaleBar(c, flat);
  }

  function fit() {
    const points = shapes.flatMap((shape) => shape.lines).flat();
    if (!points.length) return world.whole();
    let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y] of points) {
      west = Math.min(west, x);
      east = Math.max(east, x);
      south = Math.min(south, y);
      north = Math.max(north, y);
    }
    return world.fit([west, south, east, north]);
  }

  return {
    element: h("div", {}, world.element, h("div", { class: "row map-tools" }, world.controls, h("button", { type: "button", onclick: fit }, "Fit"))),
    start: world.start,
    fit,
    /** @param {readonly [number, number, number, number]} box  west, south, east, north */
    near: (box) => world.fit(box),
    /**
     * @param {Shape[]} next
     * @param {Spot[]} [marks]
     */
    show(next, marks = []) {
      shapes = next;
      spots = marks;
      world.draw();
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {import("../parts/flat.js").Flat} flat
 * @param {Shape} shape
 * @param {number} turn
 */
function paintShape(c, flat, shape, turn) {
  const points = shape.lines.flat().map(([longitude, latitude]) => flat.point(longitude, latitude, turn));
  const wide = (/** @type {0 | 1} */ axis) => points.reduce((most, point) => Math.max(most, Math.abs(point[axis] - points[0][axis])), 0);
  if (points.length && Math.max(wide(0), wide(1)) < SMALLEST_PX) return mark(c, "square", points[0][0], points[0][1], SMALLEST_PX / 2, shape.colour);
  c.beginPath();
  for (const line of shape.lines) trace(c, flat, line, turn, true);
  c.strokeStyle = shape.colour;
  c.fillStyle = shape.colour;
  if (shape.fill !== "none") {
    c.globalAlpha = shape.fill === "soft" ? 0.16 : 0.28;
    c.fill("evenodd");
    c.globalAlpha = 1;
  }
  c.setLineDash(shape.dash);
  c.lineWidth = shape.strong ? 3 : 1.8;
  c.stroke();
  c.setLineDash([]);
  if (shape.fill !== "hatch" && shape.fill !== "cross") return undefined;
  c.save();
  c.clip("evenodd");
  c.lineWidth = 1;
  c.beginPath();
  for (let at = -flat.height; at < flat.width + flat.height; at += HATCH_PX) {
    c.moveTo(at, 0);
    c.lineTo(at + flat.height, flat.height);
    if (shape.fill === "cross") {
      c.moveTo(at, flat.height);
      c.lineTo(at + flat.height, 0);
    }
  }
  c.stroke();
  c.restore();
  return undefined;
}

/**
 * A shape's words in its middle, lower where others stand already.
 * @param {CanvasRenderingContext2D} c
 * @param {import("../parts/flat.js").Flat} flat
 * @param {Shape} shape
 * @param {number} turn
 * @param {[number, number, number, number][]} taken  boxes with words in them
 */
function write(c, flat, shape, turn, taken) {
  const ring = shape.lines.reduce((a, b) => (b.length > a.length ? b : a), shape.lines[0] ?? []);
  if (!ring.length) return;
  const [longitude, latitude] = middle(ring);
  const [x, middleY] = flat.point(longitude, latitude, turn);
  if (x < -40 || x > flat.width + 40) return;
  const half = c.measureText(shape.text ?? "").width / 2 + 3;
  const at = Math.max(half, Math.min(flat.width - half, x));
  let y = Math.max(2 * LINE_PX, Math.min(flat.height - LINE_PX, middleY + LINE_PX / 2));
  const clash = () => taken.some(([l, t, r, b]) => at + half > l && at - half < r && y > t && y - LINE_PX < b);
  for (let tries = 0; tries < 8 && clash(); tries += 1) y += LINE_PX;
  taken.push([at - half, y - LINE_PX, at + half, y]);
  c.textAlign = "center";
  c.textBaseline = "bottom";
  label(c, shape.text ?? "", at, y);
}

/**
 * Centre of a ring's area.
 * @param {readonly [number, number][]} ring
 * @returns {[number, number]}
 */
function middle(ring) {
  let [area, east, north] = [0, 0, 0];
  const [x0, y0] = ring[0];
  ring.forEach(([x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length];
    const part = (x - x0) * (ny - y0) - (nx - x0) * (y - y0);
    area += part;
    east += part * (x + nx + x0);
    north += part * (y + ny + y0);
  });
  return area ? [east / 3 / area, north / 3 / area] : [x0, y0];
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {import("../parts/flat.js").Flat} flat
 */
function scaleBar(c, flat) {
  const kmPerPixel = (KM_A_DEGREE * Math.cos((flat.latitude * Math.PI) / 180)) / flat.scale;
  const wanted = 90 * kmPerPixel;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const km = [5, 2, 1].map((m) => m * power).find((m) => m <= wanted) ?? power;
  c.fillStyle = ink("text");
  const right = flat.width - 10;
  c.fillRect(right - km / kmPerPixel, flat.height - 12, km / kmPerPixel, 3);
  c.textAlign = "right";
  c.textBaseline = "bottom";
  label(c, `${km} km`, right, flat.height - 14);
}
