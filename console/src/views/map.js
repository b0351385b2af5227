// The flat map: cells by permission, coverage or load; territory layers and terminals over them.

import { MANY, all, ask } from "../live/api.js";
import { fill, h, put, say } from "../parts/dom.js";
import { unwrap } from "../parts/geo.js";
import { STATE_SHAPES, ink, mark, stateInk } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, iso, number, place, rate, stateWords } from "../parts/words.js";
import { Names, extent, holdersOf, makeWorld, paintAreas, readAreas, trace } from "../parts/world.js";

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
const CELL_DEG = 0.2; // about the width of an H3 cell of resolution 5
const NAMES = 40; // of terminals are written where there are no more, or near enough
const NEAR = 60; // pixels a degree

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, events, keep, clock, go }) {
  /** @type {any[]} */
  let cells = [];
  /** @type {any[]} */
  let terminals = [];
  /** @type {import("../parts/world.js").Area[]} */
  let areas = [];
  let most = 1; // terminals that share the fullest beam
  let chosen = query.get("cell") ?? "";

  const mode = h("select", { id: "mode" }, MODES.map(([v, t]) => h("option", { value: v }, t)));
  const layer = h("select", { id: "layer" }, LAYERS.map(([v, t]) => h("option", { value: v }, t)));
  mode.value = query.get("by") ?? "state";
  if (!mode.value) mode.value = "state";
  layer.value = query.get("layer") ?? "";
  const world = makeWorld({
    words: "Map of cells.",
    height: () => Math.max(260, Math.min(620, innerHeight - 260)),
    signal,
    paint,
    onpick: pick,
    onescape: () => choose(null, false),
  });
  world.canvas.id = "map";
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
      { title: "Share the beam", value: (c) => number(c.load), sort: (c) => c.load, right: true },
      { title: "Rate down", value: (c) => rate(c.rate_down_bps), sort: (c) => c.rate_down_bps, right: true },
    ],
    id: (c) => c.cell,
    rowClass: (c) => (c.cell === chosen ? "chosen" : ""),
    empty: "no cells",
  });
  put(
    root,
    h(
      "div",
      { class: "page map-page" },
      h("div", { class: "row" }, h("h1", {}, "Cells"), h("label", { for: "mode" }, "Coloured by "), mode, h("label", { for: "layer" }, "Borders drawn "), layer, world.controls),
      h("div", { class: "map-columns" }, h("div", {}, world.element, key, viewpoint, about), h("div", { class: "panel" }, table.element)),
    ),
  );

  /** @param {any} cell @returns {[number, number][]} boundary with continuous longitudes */
  const outline = (cell) => (cell.line ??= unwrap(cell.boundary));
  /** @param {any} cell @returns {[number, number]} longitude and latitude */
  const middle = (cell) => {
    const line = outline(cell);
    return [line.reduce((sum, p) => sum + p[0], 0) / line.length, line.reduce((sum, p) => sum + p[1], 0) / line.length];
  };

  /** @type {import("../parts/world.js").Layer} */
  function paint(c, flat, turns) {
    for (const turn of turns) for (const cell of cells) paintCell(c, flat, cell, turn);
    paintAreas(c, flat, turns, areas);
    const names = new Names();
    for (const turn of turns)
      for (const t of terminals) {
        if (t.latitude_deg === null || t.latitude_deg === undefined) continue;
        const [x, y] = flat.point(t.longitude_deg, t.latitude_deg, turn);
        if (x < -20 || x > flat.width + 20) continue;
        mark(c, STATE_SHAPES[t.state] ?? "ring", x, y, terminals.length > 400 ? 2.5 : 5, stateInk(t.state));
        if (terminals.length > NAMES && flat.scale < NEAR) continue;
        names.write(c, flat, t.name ?? t.id, x, y);
      }
  }

  /**
   * @param {CanvasRenderingContext2D} c
   * @param {import("../parts/flat.js").Flat} flat
   * @param {any} cell
   * @param {number} turn
   */
  function paintCell(c, flat, cell, turn) {
    const line = outline(cell);
    const [x, y] = flat.point(line[0][0], line[0][1], turn);
    if (x < -60 || x > flat.width + 60 || y < -60 || y > flat.height + 60) return;
    const mine = cell.cell === chosen;
    const colour = colourOf(cell);
    c.strokeStyle = mine ? ink("text") : colour;
    c.lineWidth = mine ? 2.5 : 1;
    if (flat.scale * CELL_DEG < SMALLEST_PX) {
      mark(c, "square", x, y, mine ? 4 : SMALLEST_PX / 2, colour);
      if (mine) c.strokeRect(x - 6, y - 6, 12, 12);
      return;
    }
    c.beginPath();
    trace(c, flat, line, turn, true);
    c.globalAlpha = mode.value === "load" ? 0.15 + 0.75 * (cell.load / most) : 0.45;
    c.fillStyle = colour;
    c.fill();
    c.globalAlpha = 1;
    c.stroke();
    // Refused and unserved cells are crossed, so that colour does not stand alone.
    const crossed = mode.value === "coverage" ? !cell.served : mode.value === "state" && cell.state !== "served";
    if (crossed) {
      c.beginPath();
      trace(c, flat, [line[0], line[line.length > 4 ? 3 : 2]], turn, false);
      c.stroke();
    }
  }

  /** @param {any} cell */
  function colourOf(cell) {
    if (mode.value === "load") return ink("accent");
    if (mode.value === "coverage") return cell.served ? ink("good") : ink("no-path");
    return stateInk(cell.state);
  }

  function drawKey() {
    const entries =
      mode.value === "state"
        ? ["served", "refused", "no_path", "off"].map((s) => [stateWords(s).mark, stateInk(s), stateWords(s).word])
        : mode.value === "coverage"
          ? [["■", ink("good"), "a satellite serves it"], ["⧄", ink("no-path"), "none does"]]
          : [["■", ink("accent"), `the fuller, the more terminals share its beam; at most ${most}`]];
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
   * @param {any} cell  null: none
   * @param {boolean} fly
   */
  function choose(cell, fly) {
    chosen = cell?.cell ?? "";
    keep({ cell: chosen || null });
    if (cell && fly) {
      [world.flat.longitude, world.flat.latitude] = middle(cell);
      world.flat.scale = Math.max(world.flat.scale, 120);
    }
    table.show(cells);
    world.draw();
    if (!cell) return say(about, "");
    const inside = terminals.filter((t) => String(t.cell) === String(cell.cell));
    return fill(
      about,
      `Cell ${cell.cell}: ${stateWords(cell.state).word}, ${number(cell.served)} of ${number(cell.terminals)} terminals served${cell.satellite ? ` by ${cell.satellite}, ${rate(cell.rate_down_bps)} to all of them` : `: ${cell.words}`}. `,
      ...inside.slice(0, 12).flatMap((t) => [h("a", { href: `#/terminal/${enc(t.id)}` }, t.name ?? t.id), " "]),
    );
  }

  /**
   * The nearest of several things to a point of the screen.
   * @param {any[]} things
   * @param {(thing: any) => [number, number]} where
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  function nearestTo(things, where, x, y, reach) {
    let best = reach;
    let found = null;
    for (const turn of world.flat.turns)
      for (const thing of things) {
        const [tx, ty] = world.flat.point(...where(thing), turn);
        const far = Math.hypot(tx - x, ty - y);
        if (far < best) [best, found] = [far, thing];
      }
    return found;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  function pick(x, y) {
    const cell = nearestTo(cells, middle, x, y, Math.max(18, world.flat.scale * CELL_DEG * 0.5));
    if (cell) return choose(cell, false);
    choose(null, false);
    const [longitude, latitude] = world.flat.place(x, y);
    return say(about, `${place(latitude, longitude)}: no terminals here.`);
  }
  world.canvas.addEventListener("dblclick", (event) => {
    const placed = terminals.filter((t) => t.latitude_deg !== null && t.latitude_deg !== undefined);
    const found = nearestTo(placed, (t) => [t.longitude_deg, t.latitude_deg], event.offsetX, event.offsetY, 12);
    if (found) go(`#/terminal/${enc(found.id)}`);
  });

  async function load() {
    [cells, terminals] = await Promise.all([all("/cells", {}, { signal }), all("/terminals", {}, { signal, limit: MANY })]);
    most = Math.max(1, ...cells.map((cell) => cell.load));
    if (mode.value === "load") drawKey();
    table.show(cells);
    world.draw();
    const again = chosen && cells.find((cell) => String(cell.cell) === chosen);
    if (again && !about.textContent) choose(again, true);
  }

  async function drawBorders() {
    keep({ layer: layer.value || null });
    areas = [];
    const wanted = layer.value;
    if (!wanted) {
      say(viewpoint, "No point of view: coast lines only. No picture decides anything.");
      return world.draw();
    }
    const found = readAreas(await ask("/territories", { layer: wanted, time: iso(clock.now()) }, { signal }));
    if (wanted !== layer.value) return undefined;
    areas = found;
    const word = LAYERS.find(([value]) => value === wanted)?.[1];
    const box = extent(areas);
    fill(
      viewpoint,
      `Point of view: ${word} as recorded, at ${instant(clock.now())}: ${holdersOf(areas).join("; ") || "nobody"}. Dashed, because a record is not a border. `,
      box && h("button", { onclick: () => world.fit(box) }, "To these areas"),
    );
    return world.draw();
  }
  const borders = () => drawBorders().catch((error) => !signal.aborted && say(viewpoint, error.message));
  mode.addEventListener("change", () => {
    keep({ by: mode.value === "state" ? null : mode.value });
    drawKey();
    world.draw();
  });
  layer.addEventListener("change", borders);
  document.addEventListener("theme", drawKey, { signal });
  const again = () => load().catch(() => {});
  const ends = [events.on("slot", again), events.on("up", again)];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  drawKey();
  await Promise.all([world.start(), load()]);
  await borders();
}
