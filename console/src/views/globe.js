// The globe: every satellite, the ground, and the path of the chosen terminal.

import { LEG_WORDS, legStyle } from "../globe/overlay.js";
import { MANY, all, ask } from "../live/api.js";
import { fill, h, put, say } from "../parts/dom.js";
import { rings } from "../parts/geo.js";
import { nameOf, stateBadge, whyWords } from "../parts/listings.js";
import { STATE_SHAPES, SERIES } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, iso, milliseconds, number, stateWords } from "../parts/words.js";
import { landRings } from "../parts/world.js";

const LABELS = 40; // names of terminals are written where there are no more than this
/** Colours on the globe are those of the dark theme: its sky is always dark. */
const ON_SKY = /** @type {Record<string, string>} */ ({ served: "#4fd1a5", refused: "#ff8a5b", no_path: "#f0e442", off: "#c0c8d2" });
const LAYERS = [
  ["", "none: coast lines only"],
  ["claim", "claims"],
  ["control", "control"],
  ["licence", "licences"],
];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, context) {
  const { signal, query, clock, sky, events, keep, go, announce } = context;
  let chosen = query.get("terminal") ?? "";
  /** @type {any[]} */
  let terminals = [];
  /** @type {any[]} */
  let gateways = [];
  /** @type {any[]} */
  let pops = [];
  /** @type {any[]} */
  let satellites = [];

  const about = h("div", { class: "about", "aria-live": "polite" });
  const colouring = h("select", { id: "colouring" }, [["state", "serving or not"], ["shell", "shell"], ["load", "load"]].map(([v, t]) => h("option", { value: v }, t)));
  const layer = h("select", { id: "layer" }, LAYERS.map(([v, t]) => h("option", { value: v }, t)));
  const whose = h("select", { id: "whose", "aria-label": "Whose", hidden: true });
  const viewpoint = h("div", { class: "quiet", id: "viewpoint" });
  const key = h("ul", { class: "legend", "aria-label": "What the marks mean" });
  const zoom = h(
    "div",
    { class: "zoom" },
    h("button", { "aria-label": "Nearer", onclick: () => (stage?.eye.zoom(0.8), stage?.refresh()) }, "+"),
    h("button", { "aria-label": "Farther", onclick: () => (stage?.eye.zoom(1.25), stage?.refresh()) }, "−"),
  );
  const box = h(
    "div",
    { class: "stage" },
    h(
      "div",
      { class: "controls" },
      h("div", { class: "row" }, h("label", { for: "colouring" }, "Satellites by"), colouring),
      h(
        "details",
        {},
        h("summary", {}, "Borders and marks"),
        h("div", { class: "row" }, h("label", { for: "layer" }, "Borders drawn"), layer, whose),
        viewpoint,
        key,
      ),
    ),
    about,
    zoom,
  );
  const table = makeTable({
    caption: "Terminals: choose one to see its path",
    columns: [
      {
        title: "Terminal",
        sort: (t) => t.name ?? t.id,
        value: (t) => h("button", { "data-choose": t.id, "aria-pressed": String(t.id === chosen), onclick: () => choose(t.id) }, t.name ?? t.id),
      },
      { title: "State", value: (t) => stateBadge(t.state), sort: (t) => t.state },
      { title: "RTT", value: (t) => milliseconds(t.rtt_ms), sort: (t) => t.rtt_ms, right: true },
      { title: "Satellite", value: (t) => nameOf(t.satellite), sort: (t) => nameOf(t.satellite) },
    ],
    id: (t) => t.id,
    rowClass: (t) => (t.id === chosen ? "chosen" : ""),
    empty: "no terminals",
  });
  const details = h("div", { id: "chosen" });
  fill(root, h("h1", { class: "unseen" }, "Globe"), h("div", { class: "globe" }, box, h("div", { class: "side" }, details, table.element)));
  drawKey();

  /** @type {import("../globe/stage.js").Stage | null} */
  let stage = null;
  /** @type {(index: number) => string} */
  const satelliteName = (index) => byIndex.get(index)?.name ?? `satellite ${index}`;
  /** @type {Map<number, any>} */
  let byIndex = new Map();

  try {
    const [module, land] = await Promise.all([import("../globe/stage.js"), landRings()]);
    if (signal.aborted) return undefined;
    stage = new module.Stage(box, land, clock, { chosen: picked, hovered });
    stage.canvas.tabIndex = 0;
    stage.canvas.id = "globe";
    stage.canvas.setAttribute("role", "application");
    stage.canvas.setAttribute("aria-label", "Globe. Arrow keys turn it, plus and minus zoom, n chooses the next terminal, Enter opens it. The same is in the tables.");
    stage.canvas.addEventListener("keydown", onkey);
  } catch (error) {
    if (signal.aborted) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    box.prepend(
      h(
        "div",
        { class: "message", role: "status", id: "no-globe" },
        h("p", { class: "big" }, "This browser draws no globe: WebGL is not available."),
        h("p", {}, "Everything on it is in the tables: ", h("a", { href: "#/terminals" }, "terminals"), ", ", h("a", { href: "#/satellites" }, "satellites"), ", ", h("a", { href: "#/ground" }, "gateways"), ", and on the ", h("a", { href: "#/map" }, "flat map"), "."),
        h("p", { class: "quiet" }, why.split("\n")[0]),
      ),
    );
    for (const control of [zoom, about, box.querySelector(".controls")]) control?.remove();
  }

  /** @param {KeyboardEvent} event */
  function onkey(event) {
    if (event.key === "n" && terminals.length) {
      const at = terminals.findIndex((t) => t.id === chosen);
      choose(terminals[(at + 1) % terminals.length].id);
    } else if (event.key === "Enter" && chosen) go(`#/terminal/${enc(chosen)}`);
    else if (event.key === "Escape") choose("");
  }

  /** @param {any} found */
  function picked(found) {
    if (!found) return choose("");
    if (found.kind === "terminal") return choose(found.key);
    if (found.kind === "satellite") return describe(found.index);
    return say(about, found.text);
  }

  /** @param {any} found */
  function hovered(found) {
    box.style.cursor = found ? "pointer" : "";
    if (stage) stage.canvas.style.cursor = found ? "pointer" : "";
    const text = !found ? "" : found.kind === "satellite" ? satelliteName(found.index) : found.text;
    if (stage) stage.canvas.title = text;
  }

  /** @param {number} index */
  function describe(index) {
    const satellite = byIndex.get(index);
    stage?.satellites.choose(index);
    stage?.name([index], satelliteName);
    stage?.refresh();
    if (!satellite) return say(about, satelliteName(index));
    return fill(
      about,
      h("a", { href: `#/satellite/${satellite.number}` }, satellite.name),
      `, shell ${satellite.shell}, ${number(satellite.altitude_km)} km: `,
      satellite.out ? "out of service" : satellite.serving_cells ? `serves ${number(satellite.serving_terminals)} terminals in ${number(satellite.serving_cells)} cells` : "idle",
    );
  }

  /** @param {string} id */
  function choose(id) {
    chosen = id;
    keep({ terminal: id || null });
    const terminal = terminals.find((t) => t.id === id);
    if (terminal?.latitude_deg !== undefined && terminal?.latitude_deg !== null) stage?.eye.fly(terminal.latitude_deg, terminal.longitude_deg);
    if (terminal) announce(`${terminal.name ?? id}: ${stateWords(terminal.state).word}`);
    drawGround();
    drawChosen();
    table.show(terminals);
    drawPath();
  }

  function drawChosen() {
    const terminal = terminals.find((t) => t.id === chosen);
    if (!terminal) return fill(details);
    return fill(
      details,
      h("div", { class: "head" }, h("h2", {}, terminal.name ?? terminal.id), stateBadge(terminal.state)),
      whyWords(terminal) === "–" ? null : h("p", {}, whyWords(terminal)),
      h("ol", { id: "path", class: "quiet" }),
      h("p", {}, h("a", { href: `#/terminal/${enc(terminal.id)}` }, "All about it")),
    );
  }

  async function drawPath() {
    const wanted = chosen;
    stage?.path([]);
    stage?.satellites.choose(-1);
    stage?.name([], satelliteName);
    if (!wanted) return;
    /** @type {any} */
    let path;
    try {
      path = await ask(`/terminals/${enc(wanted)}/path`, {}, { signal });
    } catch {
      return; // the state beside it says why there is none
    }
    if (wanted !== chosen || signal.aborted) return;
    const { stops, legs } = readPath(path, byName());
    stage?.path(legs);
    const serving = stops.filter((s) => s.index >= 0).map((s) => s.index);
    stage?.name(serving, satelliteName);
    if (serving.length) stage?.satellites.choose(serving[0]);
    stage?.refresh();
    const list = details.querySelector("#path");
    if (list)
      fill(list, ...stops.map((stop) => h("li", {}, `${stop.name}`)), legs.length ? h("li", {}, `one way ${milliseconds(path.delay_ms)}`) : null);
  }

  const byName = () => new Map(satellites.map((s) => [s.name, s]));

  function drawGround() {
    const things = [
      ...gateways.map((g) => ({ kind: /** @type {const} */ ("gateway"), key: g.name, text: `gateway ${g.name}: ${g.in_use ?? 0} of ${g.antennas} antennas in use${g.out ? ", out of service" : ""}`, latitude: g.latitude_deg, longitude: g.longitude_deg })),
      ...pops.map((p) => ({ kind: /** @type {const} */ ("pop"), key: p.name, text: `point of presence ${p.name}`, latitude: p.latitude_deg, longitude: p.longitude_deg })),
      ...terminals
        .filter((t) => t.latitude_deg !== null && t.latitude_deg !== undefined)
        .map((t) => ({ kind: /** @type {const} */ ("terminal"), key: t.id, text: `${t.name ?? t.id}: ${stateWords(t.state).word}`, latitude: t.latitude_deg, longitude: t.longitude_deg, state: t.state })),
    ];
    const marks = things.map((thing) => ({
      latitude: thing.latitude,
      longitude: thing.longitude,
      shape: thing.kind === "gateway" ? /** @type {const} */ ("square") : thing.kind === "pop" ? /** @type {const} */ ("diamond") : STATE_SHAPES[/** @type {any} */ (thing).state] ?? "ring",
      colour: thing.kind === "gateway" ? "#e69f00" : thing.kind === "pop" ? "#ffffff" : ON_SKY[/** @type {any} */ (thing).state] ?? "#c0c8d2",
      size: thing.kind === "gateway" ? 8 : thing.kind === "pop" ? 10 : thing.key === chosen ? 17 : 12,
    }));
    const labelled = things.filter((thing) => thing.kind === "terminal" && (thing.key === chosen || terminals.length <= LABELS));
    stage?.ground(
      [...things].reverse(),
      marks,
      labelled.map((t) => ({ latitude: t.latitude, longitude: t.longitude, text: t.text.split(":")[0], strong: t.key === chosen })),
    );
    stage?.refresh();
  }

  function drawKey() {
    /** @type {import("../parts/dom.js").Child[]} */
    const entries = [];
    const entry = (/** @type {string} */ mark, /** @type {string} */ colour, /** @type {string} */ text) =>
      h("li", {}, h("span", { class: "mark", style: undefined, "data-colour": colour, "aria-hidden": "true" }, mark), ` ${text}`);
    for (const state of ["served", "refused", "no_path", "off"]) entries.push(entry(stateWords(state).mark, ON_SKY[state], `terminal ${stateWords(state).word}`));
    entries.push(entry("■", "#e69f00", "gateway"), entry("◆", "#ffffff", "point of presence"), entry("✖", "#ff8a5b", "satellite out of service"));
    if (colouring.value === "state") entries.push(entry("●", "#56b4e9", "satellite serving"), entry("•", "#99a6b5", "satellite idle"));
    else if (colouring.value === "shell") shells().forEach((name, i) => entries.push(entry("●", SERIES[i % SERIES.length], `shell ${name}`)));
    else entries.push(entry("•", "#4d5c75", "no cells"), entry("●", "#f0e442", "the most cells"));
    for (const [kind, words] of LEG_WORDS) entries.push(entry(kind === "laser" ? "╌" : kind === "fibre" ? "┈" : "—", legStyle(kind).colour, words));
    fill(key, ...entries);
    for (const dot of key.querySelectorAll("[data-colour]")) /** @type {HTMLElement} */ (dot).style.color = /** @type {HTMLElement} */ (dot).dataset.colour ?? "";
  }

  const shells = () => [...new Set(satellites.map((s) => String(s.shell)))].sort();

  function colour() {
    const names = shells();
    const most = Math.max(1, ...satellites.map((s) => s.serving_cells ?? 0));
    const groups = new Float32Array(sky.latest?.count ?? 0);
    const loads = new Float32Array(sky.latest?.count ?? 0);
    for (const s of satellites) {
      groups[s.index] = names.indexOf(String(s.shell));
      loads[s.index] = (s.serving_cells ?? 0) / most;
    }
    stage?.satellites.describe(groups, loads);
    stage?.satellites.colourBy(/** @type {any} */ (colouring.value));
    drawKey();
    stage?.refresh();
  }

  async function loadSatellites() {
    satellites = await all("/satellites", {}, { signal });
    byIndex = new Map(satellites.map((s) => [s.index, s]));
    colour();
  }

  async function loadTerminals() {
    terminals = (await all("/terminals", {}, { signal, limit: MANY }));
    table.show(terminals);
    drawGround();
    if (!details.querySelector("h2")) drawChosen();
  }

  async function drawBorders() {
    keep({ layer: layer.value || null, whose: layer.value && whose.value ? whose.value : null });
    if (!layer.value) {
      whose.hidden = true;
      stage?.claims([]);
      stage?.refresh();
      return say(viewpoint, "No point of view: coast lines only. Borders are drawn when you choose whose record to see; no picture decides anything.");
    }
    const word = LAYERS.find(([value]) => value === layer.value)?.[1];
    const wanted = layer.value;
    const found = await ask("/territories", { layer: layer.value, time: iso(clock.now()) }, { signal });
    if (wanted !== layer.value) return undefined;
    const areas = (found.features ?? []).map((/** @type {any} */ f) => ({
      holder: String(f.properties?.holder ?? "?"),
      text: `${f.properties?.holder ?? "?"}: ${f.properties?.name ?? ""}`,
      rings: rings(f.geometry),
    }));
    const holders = /** @type {string[]} */ ([...new Set(areas.map((/** @type {any} */ a) => a.holder))].sort());
    const before = whose.value || query.get("whose") || "";
    fill(whose, h("option", { value: "" }, "of all"), ...holders.map((name) => h("option", { value: name }, `of ${name}`)));
    whose.value = holders.includes(before) ? before : "";
    whose.hidden = false;
    stage?.claims(areas.filter((/** @type {any} */ a) => !whose.value || a.holder === whose.value));
    stage?.refresh();
    fill(viewpoint);
    return put(
      viewpoint,
      `Point of view: ${word} ${whose.value ? `of ${whose.value}` : `of all ${holders.length} holders`} as recorded, at ${instant(clock.now())}. Dashed, because a record is not a border. `,
      ...(stage?.claimHolders ?? []).map(({ name, colour }) => {
        const dot = h("span", { "aria-hidden": "true" }, "╌ ");
        dot.style.color = colour;
        return h("div", {}, dot, name);
      }),
    );
  }

  colouring.value = query.get("by") ?? "state";
  if (!colouring.value) colouring.value = "state";
  colouring.addEventListener("change", () => {
    keep({ by: colouring.value === "state" ? null : colouring.value });
    colour();
    if (colouring.value === "load") loadSatellites().catch(() => {});
  });
  layer.value = query.get("layer") ?? "";
  if (layer.value) box.querySelector("details")?.setAttribute("open", "");
  const borders = () => drawBorders().catch((error) => !signal.aborted && say(viewpoint, error.message));
  layer.addEventListener("change", borders);
  whose.addEventListener("change", borders);

  /** Marks the globe as whole: satellites and terminals are on it. */
  const ready = () => {
    if (stage && sky.latest && terminals.length) box.dataset.ready = "yes";
  };
  let counted = -1;
  const quiet = sky.on((frame) => {
    clock.hear(frame.time, frame.speed);
    stage?.take(frame);
    if (frame.count !== counted) {
      counted = frame.count;
      colour();
      if (satellites.length && satellites.length !== frame.count) loadSatellites().catch(() => {});
    }
    ready();
  });
  const ends = [
    quiet,
    events.on("slot", () => {
      loadTerminals().then(drawPath).catch(() => {});
      if (colouring.value === "load") loadSatellites().catch(() => {});
    }),
    events.on("up", () => loadTerminals().then(drawPath).catch(() => {})),
  ];
  signal.addEventListener("abort", () => {
    ends.forEach((end) => end());
    stage?.dispose();
  });

  [gateways, pops] = await Promise.all([all("/gateways", {}, { signal }), all("/pops", {}, { signal })]);
  await loadTerminals();
  ready();
  borders();
  if (chosen) choose(chosen);
  loadSatellites().then(() => (chosen ? drawPath() : undefined)).catch(() => {});
  return undefined;
}

/**
 * Stations of a path and the legs between them.
 * @param {any} path  what GET /terminals/{id}/path answers
 * @param {Map<string, any>} byName  satellites
 * @returns {{stops: import("../globe/stage.js").Stop[], legs: {from: any, to: any, kind: string}[]}}
 */
export function readPath(path, byName) {
  const stops = (path.items ?? []).map((/** @type {any} */ p) => {
    const index = p.kind === "satellite" ? (byName.get(p.name)?.index ?? -1) : -1;
    return { kind: p.kind, name: p.name, latitude: p.latitude_deg, longitude: p.longitude_deg, altitude: p.altitude_km, index };
  });
  const legs = stops.slice(1).map((/** @type {any} */ to, /** @type {number} */ i) => {
    const from = stops[i];
    const kind =
      from.kind === "terminal" ? "service" : to.kind === "satellite" && from.kind === "satellite" ? "laser" : to.kind === "gateway" ? "feeder" : "fibre";
    return { from, to, kind };
  });
  return { stops, legs };
}
