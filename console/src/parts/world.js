// A flat map to build on: land, graticule, moving, zooming, keys; what else is drawn, the page that uses it says.

import { h } from "./dom.js";
import { Flat } from "./flat.js";
import { SERIES, ink, prepare, redraw } from "./paint.js";
import { rings, unwrap } from "./geo.js";

const KEY_STEP_PX = 60;

/** @typedef {(c: CanvasRenderingContext2D, flat: Flat, turns: number[]) => void} Layer */

/** @type {Promise<number[][][]> | null} */
let land = null;

/** Rings of [longitude, latitude] around the land, shipped with the system. */
export function landRings() {
  land ??= fetch("console/land.json").then((response) => {
    if (!response.ok) throw new Error(`land.json: status ${response.status}`);
    return response.json().then((answer) => answer.rings);
  });
  land.catch(() => (land = null)); // asked for again next time
  return land;
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Flat} flat
 * @param {readonly (readonly number[])[]} line  [longitude, latitude], continuous
 * @param {number} turn
 * @param {boolean} closed
 */
export function trace(c, flat, line, turn, closed) {
  line.forEach(([longitude, latitude], i) => {
    const [x, y] = flat.point(longitude, latitude, turn);
    if (i) c.lineTo(x, y);
    else c.moveTo(x, y);
  });
  if (closed) c.closePath();
}

/**
 * A name that can be read over anything.
 * @param {CanvasRenderingContext2D} c
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
export function label(c, text, x, y) {
  c.lineWidth = 3;
  c.lineJoin = "round";
  c.strokeStyle = ink("ground");
  c.strokeText(text, x, y);
  c.fillStyle = ink("text");
  c.fillText(text, x, y);
}

/** Writes names beside marks, to the left where the right has no room; a name that would lie on another is left out. */
export class Names {
  /** @type {[number, number, number, number][]} */
  #taken = [];

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {Flat} flat
   * @param {string} text
   * @param {number} x  of the mark
   * @param {number} y
   */
  write(c, flat, text, x, y) {
    const width = c.measureText(text).width;
    for (const left of [x + 9, x - 9 - width]) {
      if (left < 2 || left + width > flat.width - 2) continue;
      if (this.#taken.some(([a, b, wide, tall]) => left < a + wide && a < left + width && Math.abs(y - b) < tall)) continue;
      this.#taken.push([left, y, width, 14]);
      c.textAlign = "left";
      c.textBaseline = "middle";
      label(c, text, left, y);
      return;
    }
  }
}

/**
 * @param {object} options
 * @param {string} options.words  what the map shows, for those who hear the page
 * @param {() => number} options.height  CSS pixels
 * @param {AbortSignal} options.signal
 * @param {Layer} options.paint  over land and graticule
 * @param {(x: number, y: number) => void} [options.onpick]
 * @param {() => void} [options.onescape]
 */
export function makeWorld({ words, height, signal, paint, onpick, onescape }) {
  const flat = new Flat();
  flat.latitude = 15;
  /** @type {number[][][]} */
  let coasts = [];
  const canvas = h("canvas", {
    tabindex: 0,
    role: "application",
    "aria-label": `${words} Arrow keys move it, plus and minus zoom; the table beside it says the same.`,
  });
  const element = h("div", { class: "map-box" }, canvas);

  function draw() {
    const prepared = prepare(canvas, height());
    if (!prepared) return;
    const { context: c, width } = prepared;
    flat.width = width;
    flat.height = prepared.height;
    const [, north] = flat.point(0, 90);
    const [, south] = flat.point(0, -90);
    c.fillStyle = ink("ocean");
    c.fillRect(0, north, width, south - north);
    c.fillStyle = ink("land");
    c.strokeStyle = ink("coast");
    c.lineWidth = 0.8;
    const turns = flat.turns;
    for (const turn of turns) {
      c.beginPath();
      for (const ring of coasts) trace(c, flat, ring, turn, true);
      c.fill();
      c.stroke();
    }
    graticule(c, flat);
    paint(c, flat, turns);
  }

  /** The whole world in view. */
  function whole() {
    flat.longitude = 15;
    flat.latitude = 15;
    flat.scale = Math.max(1, Math.min(canvas.clientWidth / 360, height() / 160));
    draw();
  }

  /** @param {number} factor */
  function zoom(factor) {
    flat.zoom(factor);
    draw();
  }

  /** @type {[number, number] | null} */
  let drag = null;
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag = [event.offsetX, event.offsetY];
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    flat.move(event.offsetX - drag[0], event.offsetY - drag[1]);
    moved += Math.abs(event.offsetX - drag[0]) + Math.abs(event.offsetY - drag[1]);
    drag = [event.offsetX, event.offsetY];
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    drag = null;
    if (moved < 5) onpick?.(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointercancel", () => (drag = null));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      flat.zoom(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY);
      draw();
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") flat.move(KEY_STEP_PX, 0);
    else if (event.key === "ArrowRight") flat.move(-KEY_STEP_PX, 0);
    else if (event.key === "ArrowUp") flat.move(0, KEY_STEP_PX);
    else if (event.key === "ArrowDown") flat.move(0, -KEY_STEP_PX);
    else if (event.key === "+" || event.key === "=") flat.zoom(1.4);
    else if (event.key === "-") flat.zoom(1 / 1.4);
    else if (event.key === "Escape") return onescape?.();
    else return undefined;
    event.preventDefault();
    return draw();
  });

  const controls = [
    h("button", { "aria-label": "Nearer", onclick: () => zoom(1.6) }, "+"),
    h("button", { "aria-label": "Farther", onclick: () => zoom(1 / 1.6) }, "−"),
    h("button", { onclick: whole }, "All"),
  ];

  return {
    element,
    canvas,
    flat,
    controls,
    draw,
    whole,
    /** Loads the coasts and begins to draw. */
    async start() {
      whole();
      redraw(element, signal, draw);
      coasts = await landRings();
      draw();
    },
    /**
     * Shows a part of the world.
     * @param {readonly [number, number, number, number]} box  west, south, east, north
     */
    fit([west, south, east, north]) {
      flat.longitude = (west + east) / 2;
      flat.latitude = (south + north) / 2;
      const [wide, tall] = [Math.max(east - west, 0.05), Math.max(north - south, 0.05)];
      flat.scale = Math.min(2000, 0.85 * Math.min((canvas.clientWidth || 600) / wide, height() / tall));
      draw();
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Flat} flat
 */
function graticule(c, flat) {
  const step = [30, 10, 5, 1, 0.5].find((s) => s * flat.scale < 260) ?? 0.25;
  const [west, south, east, north] = flat.box;
  c.strokeStyle = ink("line");
  c.fillStyle = ink("quiet");
  c.lineWidth = 0.5;
  c.textBaseline = "top";
  c.textAlign = "left";
  c.beginPath();
  for (let longitude = Math.ceil(west / step) * step; longitude <= east; longitude += step) {
    const [x] = flat.point(longitude, 0);
    c.moveTo(x, 0);
    c.lineTo(x, flat.height);
    const shown = ((((longitude + 180) % 360) + 360) % 360) - 180;
    c.fillText(`${Math.abs(shown)}°${shown < 0 ? " W" : shown > 0 ? " E" : ""}`, x + 3, 3);
  }
  for (let latitude = Math.ceil(south / step) * step; latitude <= north; latitude += step) {
    const [, y] = flat.point(0, latitude);
    c.moveTo(0, y);
    c.lineTo(flat.width, y);
    if (y > 20) c.fillText(`${Math.abs(latitude)}°${latitude < 0 ? " S" : latitude > 0 ? " N" : ""}`, 3, y + 2);
  }
  c.stroke();
}

/**
 * An area of a territory layer as it is drawn.
 * @typedef {object} Area
 * @property {string} holder
 * @property {string} name
 * @property {[number, number][][]} lines  continuous rings
 * @property {any} feature  as the server gave it
 */

/**
 * Areas of a GeoJSON FeatureCollection.
 * @param {any} collection
 * @returns {Area[]}
 */
export function readAreas(collection) {
  return (collection.features ?? []).map((/** @type {any} */ feature) => ({
    holder: String(feature.properties?.holder ?? "?"),
    name: String(feature.properties?.name ?? feature.id ?? ""),
    lines: rings(feature.geometry).map((ring) => unwrap(ring)),
    feature,
  }));
}

/**
 * Areas dashed, one colour and one dash a holder, with names: a record of somebody's word, not a border.
 * @param {CanvasRenderingContext2D} c
 * @param {Flat} flat
 * @param {number[]} turns
 * @param {readonly Area[]} areas
 * @param {readonly string[]} [holders]  in the order of their colours
 */
export function paintAreas(c, flat, turns, areas, holders = holdersOf(areas)) {
  c.save();
  for (const turn of turns)
    for (const area of areas) {
      const { colour, dash } = holderStyle(holders.indexOf(area.holder));
      c.setLineDash(dash);
      c.strokeStyle = colour;
      c.lineWidth = 2;
      c.beginPath();
      for (const line of area.lines) trace(c, flat, line, turn, true);
      c.stroke();
      c.setLineDash([]);
      const top = area.lines[0]?.reduce((a, b) => (b[1] > a[1] ? b : a));
      if (!top) continue;
      const [x, y] = flat.point(top[0], top[1], turn);
      c.textAlign = "center";
      c.textBaseline = "bottom";
      label(c, area.name && area.name !== area.holder ? `${area.holder}: ${area.name}` : area.holder, x, y - 4);
    }
  c.restore();
}

/**
 * What part of the world areas lie in: west, south, east, north; null for none.
 * @param {readonly Area[]} areas
 * @returns {[number, number, number, number] | null}
 */
export function extent(areas) {
  const points = areas.flatMap((area) => area.lines.flat());
  if (!points.length) return null;
  const [x, y] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const least = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.min(a, b));
  const most = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.max(a, b));
  return [least(x), least(y), most(x), most(y)];
}

/** @param {readonly Area[]} areas */
export const holdersOf = (areas) => [...new Set(areas.map((area) => area.holder))].sort();

/** @param {number} index */
export function holderStyle(index) {
  return { colour: SERIES[index % SERIES.length], dash: [5 + 4 * (index % 4), 4] };
}
