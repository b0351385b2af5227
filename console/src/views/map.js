// The flat map: cells by permission, coverage or load; territory layers and terminals over them.

import { all, ask } from "../live/api.js";
import { fill, h, put, say } from "../parts/dom.js";
import { Flat } from "../parts/flat.js";
import { rings, unwrap } from "../parts/geo.js";
import { SERIES, STATE_SHAPES, ink, mark, prepare, redraw, stateInk } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, iso, number, percent, place, stateWords } from "../parts/words.js";

const MODES = [
  ["state", "permission"],
  ["coverage", "coverage"],
  ["load", "load"],
];
const LAYERS = [
  ["", "none"],
  ["claim", "claims"],
  ["control", "control"],
  ["licence", "licences"],
];
const SMALLEST_PX = 5; // a cell that would be smaller is a mark of this size

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, events, keep, clock, go }) {
  const flat = new Flat();
  /** @type {number[][][]} */
  let land = [];
  /** @type {any[]} */
  let cells = [];
  /** @type {any[]} */
  let terminals = [];
  /** @type {{holder: string, text: string, lines: [number, number][][]}[]} */
  let areas = [];
  let chosen = query.get("cell") ?? "";

  const mode = h("select", { id: "mode" }, MODES.map(([v, t]) => h("option", { value: v }, t)));
  const layer = h("select", { id: "layer" }, LAYERS.map(([v, t]) => h("option", { value: v }, t)));
  mode.value = query.get("by") ?? "state";
  if (!mode.value) mode.value = "state";
  layer.value = query.get("layer") ?? "";
  const canvas = h("canvas", {
    id: "map",
    tabindex: 0,
    role: "application",
    "aria-label": "Map of cells. Arrow keys move it, plus and minus zoom; the table beside it says the same.",
  });
  const key = h("ul", { class: "legend" });
  const viewpoint = h("p", { class: "quiet", id: "viewpoint" });
  const about = h("p", { "aria-live": "polite", id: "about-cell" });
  const table = makeTable({
    caption: "Cells with terminals",
    columns: [
      { title: "Cell", value: (c) => h("button", { "aria-pressed": String(c.cell === chosen), onclick: () => choose(c, true) }, String(c.cell)), sort: (c) => c.cell },
      { title: "State", value: (c) => h("span", { class: c.state }, `${stateWords(c.state).mark} ${stateWords(c.state).word}`), sort: (c) => c.state },
      { title: "Terminals", value: (c) => number(c.terminals), sort: (c) => c.terminals, right: true },
      { title: "Served", value: (c) => number(c.served), sort: (c) => c.served, right: true },
      { title: "Load", value: (c) => percent(c.load), sort: (c) => c.load, right: true },
    ],
    id: (c) => c.cell,
    rowClass: (c) => (c.cell === chosen ? "chosen" : ""),
    empty: "no cells",
  });
  const box = h("div", { class: "map-box" }, canvas);
  put(
    root,
    h(
      "div",
      { class: "page map-page" },
      h(
        "div",
        { class: "row" },
        h("h1", {}, "Cells"),
        h("label", { for: "mode" }, "Coloured by "),
        mode,
        h("label", { for: "layer" }, "Borders drawn "),
        layer,
        h("button", { "aria-label": "Nearer", onclick: () => zoom(1.6) }, "+"),
        h("button", { "aria-label": "Farther", onclick: () => zoom(1 / 1.6) }, "−"),
        h("button", { onclick: whole }, "All"),
      ),
      h("div", { class: "map-columns" }, h("div", {}, box, key, viewpoint, about), h("div", { class: "panel" }, table.element)),
    ),
  );

  /** @param {number} factor */
  function zoom(factor) {
    flat.zoom(factor);
    draw();
  }

  function whole() {
    flat.longitude = 15;
    flat.latitude = 15;
    flat.scale = Math.max(1, Math.min(canvas.clientWidth / 360, height() / 160));
    draw();
  }

  const height = () => Math.max(260, Math.min(620, window.innerHeight - 260));

  /** @param {any} cell @returns {[number, number][]} boundary with continuous longitudes */
  const outline = (cell) => (cell.line ??= unwrap(cell.boundary));

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
    const turns = flat.turns;
    c.fillStyle = ink("land");
    c.strokeStyle = ink("coast");
    c.lineWidth = 0.8;
    for (const turn of turns) {
      c.beginPath();
      for (const ring of land) trace(c, /** @type {[number, number][]} */ (ring), turn, true);
      c.fill();
      c.stroke();
    }
    graticule(c);
    for (const turn of turns) for (const cell of cells) drawCell(c, cell, turn);
    drawAreas(c, turns);
    for (const turn of turns)
      for (const t of terminals) {
        if (t.latitude_deg === null || t.latitude_deg === undefined) continue;
        const [x, y] = flat.point(t.longitude_deg, t.latitude_deg, turn);
        if (x < -20 || x > width + 20) continue;
        mark(c, STATE_SHAPES[t.state] ?? "ring", x, y, terminals.length > 400 ? 2.5 : 5, stateInk(t.state));
        if (terminals.length <= 40 || flat.scale > 60) {
          c.textAlign = "left";
          c.textBaseline = "middle";
          c.lineWidth = 3;
          c.strokeStyle = ink("ground");
          c.strokeText(t.name ?? t.id, x + 9, y);
          c.fillStyle = ink("text");
          c.fillText(t.name ?? t.id, x + 9, y);
        }
      }
  }

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {readonly [number, number][]} line
   * @param {number} turn
   * @param {boolean} closed
   */
  function trace(c, line, turn, closed) {
    line.forEach(([longitude, latitude], i) => {
      const [x, y] = flat.point(longitude, latitude, turn);
      if (i) c.lineTo(x, y);
      else c.moveTo(x, y);
    });
    if (closed) c.closePath();
  }

  /** @param {CanvasRenderingContext2D} c */
  function graticule(c) {
    const step = [30, 10, 5, 1].find((s) => s * flat.scale < 260) ?? 1;
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
   * @param {CanvasRenderingContext2D} c
   * @param {any} cell
   * @param {number} turn
   */
  function drawCell(c, cell, turn) {
    const line = outline(cell);
    const [x, y] = flat.point(line[0][0], line[0][1], turn);
    if (x < -60 || x > flat.width + 60 || y < -60 || y > flat.height + 60) return;
    const colour = colourOf(cell);
    c.strokeStyle = cell.cell === chosen ? ink("text") : colour;
    c.lineWidth = cell.cell === chosen ? 2.5 : 1;
    if (flat.scale * 0.2 < SMALLEST_PX) {
      mark(c, "square", x, y, cell.cell === chosen ? 4 : SMALLEST_PX / 2, colour);
      if (cell.cell === chosen) c.strokeRect(x - 6, y - 6, 12, 12);
      return;
    }
    c.beginPath();
    trace(c, line, turn, true);
    c.globalAlpha = mode.value === "load" ? 0.15 + 0.75 * Math.min(1, cell.load ?? 0) : 0.45;
    c.fillStyle = colour;
    c.fill();
    c.globalAlpha = 1;
    c.stroke();
    // Refused and unserved cells are crossed, so that the fill alone says nothing.
    if (mode.value !== "load" && cell.state !== "served") {
      c.beginPath();
      const corners = line.length > 4 ? [line[0], line[3]] : [line[0], line[2]];
      trace(c, /** @type {[number, number][]} */ (corners), turn, false);
      c.stroke();
    }
  }

  /** @param {any} cell */
  function colourOf(cell) {
    if (mode.value === "load") return ink("accent");
    if (mode.value === "coverage") return cell.served ? ink("good") : ink("no-path");
    return stateInk(cell.state);
  }

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {number[]} turns
   */
  function drawAreas(c, turns) {
    const holders = [...new Set(areas.map((area) => area.holder))];
    c.lineWidth = 2;
    for (const area of areas) {
      const colour = SERIES[holders.indexOf(area.holder) % SERIES.length];
      const dash = 4 + 3 * (holders.indexOf(area.holder) % 4);
      for (const turn of turns) {
        c.setLineDash([dash, 4]);
        c.strokeStyle = colour;
        c.beginPath();
        for (const line of area.lines) trace(c, line, turn, true);
        c.stroke();
        c.setLineDash([]);
        const first = area.lines[0]?.reduce((a, b) => (b[1] > a[1] ? b : a));
        if (!first) continue;
        const [x, y] = flat.point(first[0], first[1], turn);
        c.textAlign = "center";
        c.textBaseline = "bottom";
        c.lineWidth = 3;
        c.strokeStyle = ink("ground");
        c.strokeText(area.text, x, y - 4);
        c.fillStyle = ink("text");
        c.fillText(area.text, x, y - 4);
        c.lineWidth = 2;
      }
    }
  }

  function drawKey() {
    const entries =
      mode.value === "state"
        ? ["served", "refused", "no_path", "off"].map((s) => [stateWords(s).mark, stateInk(s), stateWords(s).word])
        : mode.value === "coverage"
          ? [["■", ink("good"), "a satellite serves it"], ["⧄", ink("no-path"), "none does"]]
          : [["■", ink("accent"), "the fuller, the more of its beam is asked for"]];
    fill(
      key,
      ...entries.map(([sign, colour, text]) => {
        const dot = h("span", { class: "mark", "aria-hidden": "true" }, sign);
        dot.style.color = colour;
        return h("li", {}, dot, ` ${text}`);
      }),
    );
  }

  /**
   * @param {any} cell
   * @param {boolean} fly
   */
  function choose(cell, fly) {
    chosen = cell?.cell ?? "";
    keep({ cell: chosen || null });
    if (cell && fly) {
      const line = outline(cell);
      flat.longitude = line.reduce((s, p) => s + p[0], 0) / line.length;
      flat.latitude = line.reduce((s, p) => s + p[1], 0) / line.length;
      flat.scale = Math.max(flat.scale, 120);
    }
    table.show(cells);
    draw();
    if (!cell) return say(about, "");
    const inside = terminals.filter((t) => String(t.cell) === String(cell.cell));
    return fill(
      about,
      `Cell ${cell.cell}: ${stateWords(cell.state).word}, ${number(cell.served)} of ${number(cell.terminals)} terminals served, load ${percent(cell.load)}. `,
      ...inside.slice(0, 12).flatMap((t) => [h("a", { href: `#/terminal/${enc(t.id)}` }, t.name ?? t.id), " "]),
    );
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
    if (moved < 5) pick(event.offsetX, event.offsetY);
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
    const step = 60;
    if (event.key === "ArrowLeft") flat.move(step, 0);
    else if (event.key === "ArrowRight") flat.move(-step, 0);
    else if (event.key === "ArrowUp") flat.move(0, step);
    else if (event.key === "ArrowDown") flat.move(0, -step);
    else if (event.key === "+" || event.key === "=") flat.zoom(1.4);
    else if (event.key === "-") flat.zoom(1 / 1.4);
    else if (event.key === "Escape") return choose(null, false);
    else return undefined;
    event.preventDefault();
    return draw();
  });
  canvas.addEventListener("dblclick", (event) => {
    const found = terminalAt(event.offsetX, event.offsetY);
    if (found) go(`#/terminal/${enc(found.id)}`);
  });

  /**
   * @param {number} x
   * @param {number} y
   */
  function terminalAt(x, y) {
    let best = 12;
    let found = null;
    for (const turn of flat.turns)
      for (const t of terminals) {
        const [tx, ty] = flat.point(t.longitude_deg, t.latitude_deg, turn);
        const far = Math.hypot(tx - x, ty - y);
        if (far < best) [best, found] = [far, t];
      }
    return found;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  function pick(x, y) {
    let best = 18;
    let found = null;
    for (const turn of flat.turns)
      for (const cell of cells) {
        const line = outline(cell);
        const at = flat.point(line.reduce((s, p) => s + p[0], 0) / line.length, line.reduce((s, p) => s + p[1], 0) / line.length, turn);
        const far = Math.hypot(at[0] - x, at[1] - y);
        if (far < Math.max(best, flat.scale * 0.09)) [best, found] = [far, cell];
      }
    if (found) return choose(found, false);
    const [longitude, latitude] = flat.place(x, y);
    choose(null, false);
    return say(about, `${place(latitude, longitude)}: no terminals here.`);
  }

  async function load() {
    [cells, terminals] = await Promise.all([all("/cells", {}, { signal }), all("/terminals", {}, { signal, limit: 10_000 })]);
    table.show(cells);
    draw();
    const again = chosen && cells.find((cell) => String(cell.cell) === chosen);
    if (again && !about.textContent) choose(again, true);
  }

  async function drawBorders() {
    keep({ layer: layer.value || null });
    areas = [];
    if (!layer.value) {
      say(viewpoint, "No point of view: coast lines only. No picture decides anything.");
      return draw();
    }
    const wanted = layer.value;
    const found = await ask("/territories", { layer: wanted, time: iso(clock.now()) }, { signal });
    if (wanted !== layer.value) return undefined;
    areas = (found.features ?? []).map((/** @type {any} */ f) => ({
      holder: String(f.properties?.holder ?? "?"),
      text: `${f.properties?.holder ?? "?"}: ${f.properties?.name ?? ""}`,
      lines: rings(f.geometry).map((ring) => unwrap(ring)),
    }));
    const holders = [...new Set(areas.map((area) => area.holder))];
    const word = LAYERS.find(([value]) => value === wanted)?.[1];
    say(viewpoint, `Point of view: ${word} as recorded, at ${instant(clock.now())}: ${holders.join("; ") || "nobody"}. Dashed, because a record is not a border.`);
    return draw();
  }
  const borders = () => drawBorders().catch((error) => !signal.aborted && say(viewpoint, error.message));
  mode.addEventListener("change", () => {
    keep({ by: mode.value === "state" ? null : mode.value });
    drawKey();
    draw();
  });
  layer.addEventListener("change", borders);
  document.addEventListener("theme", drawKey, { signal });

  land = (await fetch("land.json", { signal }).then((r) => r.json())).rings;
  drawKey();
  flat.scale = Math.max(1, Math.min(canvas.clientWidth / 360, height() / 160));
  flat.latitude = 15;
  redraw(box, signal, draw);
  const ends = [events.on("slot", () => load().catch(() => {})), events.on("up", () => load().catch(() => {}))];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  await load();
  await borders();
}
