// Territory: who claims, controls and licenses which ground, at a date, and what changed from one date to another.

import { ask } from "../live/api.js";
import { makeAreaMap, outlines } from "../control/areamap.js";
import { attempt, controlBar, during, troubleBox } from "../control/bar.js";
import { fill, h, put, say } from "../parts/dom.js";
import { SERIES } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { instant, iso, number, seconds } from "../parts/words.js";

/** @type {[string, string, string][]} value, word, what a polygon of it says */
const LAYERS = [
  ["", "nothing", ""],
  ["claim", "claims", "claims"],
  ["control", "control", "is in control of"],
  ["licence", "licences", "licenses"],
  ["zone", "zones", ""],
  ["ocean", "open sea", ""],
];
const MARGIN = 0.6; // of what changed, around it
const DASHES = [[], [10, 5], [3, 4], [12, 4, 3, 4]];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep, clock, announce }) {
  const layer = h("select", { id: "layer" }, LAYERS.map(([value, word]) => h("option", { value }, word)));
  layer.value = LAYERS.some(([value]) => value === query.get("layer")) ? (query.get("layer") ?? "") : "";
  const comparing = h("input", { type: "checkbox", id: "compare" });
  comparing.checked = Boolean(query.get("to"));
  const first = makeDate("from", "Date");
  const second = makeDate("to", "Compared with");
  const known = h("input", { id: "as-known", type: "text", size: 22, placeholder: "all that is on record", value: query.get("known") ?? "" });
  const viewpoint = h("p", { id: "viewpoint", "aria-live": "polite" });
  const trouble = troubleBox();
  const map = makeAreaMap({ words: "Map of the areas on record at the date.", signal });
  const other = makeAreaMap({ words: "Map of the areas on record at the other date, what changed hatched.", signal });
  const [mapTitle, otherTitle] = [h("h2", {}), h("h2", {})];
  const key = h("ul", { class: "legend" });
  const summary = h("p", { class: "big", id: "difference" });
  const changed = makeTable({
    caption: "Ground that changed, from the first date to the second",
    columns: [
      { title: "Before", value: (c) => c.before.join(" and ") || "nobody on record", sort: (c) => c.before.join() },
      { title: "After", value: (c) => c.after.join(" and ") || "nobody on record", sort: (c) => c.after.join() },
      { title: "Area", value: (c) => `${number(c.area_km2, c.area_km2 < 10 ? 2 : 0)} km²`, sort: (c) => c.area_km2, right: true },
      { title: "Terminals in its cells", value: (c) => number(c.terminals.length), sort: (c) => c.terminals.length, right: true },
      { title: "Which", value: (c) => c.terminals.flatMap((/** @type {string} */ t) => [h("a", { href: `#/terminal/${encodeURIComponent(t)}` }, t), " "]) },
    ],
    id: (c) => c.id,
    empty: "no ground changed",
  });
  const areas = makeTable({
    caption: "Areas on record at the date, or at either of the two",
    columns: [
      { title: "Area", value: (f) => `${f.properties.layer}/${f.properties.name}`, sort: (f) => f.properties.name },
      { title: "Whose", value: (f) => f.properties.holder || "–", sort: (f) => f.properties.holder },
      { title: "Source", value: (f) => f.properties.source, sort: (f) => f.properties.source },
      { title: "Holds", value: (f) => during(f.properties), sort: (f) => f.properties.valid_from },
      { title: "Recorded", value: (f) => (f.properties.recorded_at ? `${instant(f.properties.recorded_at)}${f.properties.author ? ` by ${f.properties.author}` : ""}` : "–"), sort: (f) => f.properties.recorded_at },
    ],
    id: (f) => f.properties.id,
    empty: "nothing is on record",
  });
  const difference = h("section", { class: "panel", hidden: true, "aria-label": "Difference" }, summary, changed.element);
  const beside = h("div", {}, otherTitle, other.element);
  const picture = h("section", { class: "panel", "aria-label": "Map" }, h("div", { class: "columns" }, h("div", {}, mapTitle, map.element), beside), key);
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Territory"), controlBar("/territory")),
      h("p", { class: "quiet" }, "Claims, control and licences are three layers that do not know of each other. Each polygon is somebody's word, with its source; none is the truth, and none is drawn until you choose whose."),
      h(
        "div",
        { class: "panel stack" },
        h("div", { class: "row" }, h("label", { for: "layer" }, "Layer "), layer, h("label", {}, comparing, " Compare two dates"), h("label", { for: "as-known" }, "As known at "), known),
        first.element,
        second.element,
      ),
      viewpoint,
      trouble,
      difference,
      picture,
      h("section", { class: "panel", "aria-label": "Areas" }, areas.element),
    ),
  );

  /** @type {{time: string, words: string}[]} */
  let dates = [];
  let fitted = "";
  let turn = 0;

  /**
   * A slider over the dates at which something changes.
   * @param {string} name
   * @param {string} title
   */
  function makeDate(name, title) {
    const slider = h("input", { type: "range", id: name, min: 0, step: 1 });
    const said = h("output", { for: name, class: "number" });
    const step = (/** @type {number} */ by) => () => {
      slider.value = String(Number(slider.value) + by);
      slider.dispatchEvent(new Event("input"));
    };
    const element = h(
      "div",
      { class: "row date" },
      h("label", { for: name }, `${title} `),
      h("button", { type: "button", "aria-label": `${title}: the change before`, onclick: step(-1) }, "◀"),
      slider,
      h("button", { type: "button", "aria-label": `${title}: the next change`, onclick: step(1) }, "▶"),
      said,
    );
    return {
      element,
      slider,
      get time() {
        return dates[Number(slider.value)]?.time ?? iso(clock.now());
      },
      /** @param {string | null} time  the last date that is not after it */
      set(time) {
        slider.max = String(Math.max(dates.length - 1, 0));
        const at = seconds(time) ?? clock.now();
        let index = 0;
        dates.forEach((date, i) => {
          if ((seconds(date.time) ?? 0) <= at) index = i;
        });
        slider.value = String(index);
      },
      say() {
        const date = dates[Number(slider.value)];
        const text = date ? `${instant(date.time)}${date.words ? `: ${date.words}` : ""}` : "no dates";
        say(said, text);
        slider.setAttribute("aria-valuetext", text);
        slider.disabled = dates.length < 2;
      },
    };
  }

  async function loadDates() {
    dates = [];
    if (!layer.value) return;
    const answer = await ask("/territories/dates", { layer: layer.value, as_known: known.value.trim() }, { signal });
    dates = (answer.items ?? []).map((/** @type {any} */ d) => (typeof d === "string" ? { time: d, words: "" } : { time: d.time, words: d.words ?? "" }));
  }

  async function show() {
    const mine = ++turn;
    second.element.hidden = !comparing.checked;
    first.element.hidden = !layer.value;
    if (!layer.value) second.element.hidden = true;
    first.say();
    second.say();
    const two = comparing.checked && Boolean(layer.value);
    beside.hidden = !two;
    keep({ layer: layer.value || null, from: layer.value ? first.time : null, to: two ? second.time : null, known: known.value.trim() || null });
    say(mapTitle, layer.value ? instant(first.time) : "");
    say(otherTitle, two ? `${instant(second.time)}, what changed hatched` : "");
    if (!layer.value) {
      say(viewpoint, "No layer is chosen: coasts only. Whose word shall be drawn?");
      difference.hidden = true;
      areas.show([]);
      fill(key);
      map.show([]);
      other.show([]);
      if (fitted !== "none") map.fit();
      fitted = "none";
      return;
    }
    const asked = { layer: layer.value, as_known: known.value.trim() };
    const [drawn, then, compared] = await Promise.all([
      ask("/territories", { ...asked, time: first.time }, { signal }),
      two ? ask("/territories", { ...asked, time: second.time }, { signal }) : { features: [] },
      two ? ask("/territories/difference", { ...asked, from: first.time, to: second.time }, { signal }) : null,
    ]);
    if (mine !== turn) return;
    const features = [...drawn.features, ...then.features.filter((/** @type {any} */ f) => !drawn.features.some((/** @type {any} */ g) => g.properties.id === f.properties.id))];
    const holders = [...new Set(features.map((/** @type {any} */ f) => f.properties.holder || f.properties.name))];
    const sources = [...new Set(features.map((/** @type {any} */ f) => f.properties.source))];
    const [, word, verb] = LAYERS.find(([value]) => value === layer.value) ?? ["", "", ""];
    say(viewpoint, `Drawn: ${word} as recorded, at ${instant(first.time)}${two ? ` and at ${instant(second.time)}` : ""}, in the words of ${sources.length ? sources.join("; ") : "nobody"}.`);
    const shapes = then.features.map((/** @type {any} */ f) => style(f, holders, verb));
    /** @type {any[]} */
    const moved = compared ? compared.features.map((/** @type {any} */ f, /** @type {number} */ i) => ({ id: i, ...f.properties, geometry: f.geometry })) : [];
    moved.forEach((change, i) => {
      shapes.push({
        lines: outlines(change.geometry),
        colour: SERIES[(5 + i) % SERIES.length],
        fill: i % 2 ? "cross" : "hatch",
        dash: [],
        strong: true,
        text: `${change.before.join(" and ") || "nobody"} → ${change.after.join(" and ") || "nobody"}`,
      });
    });
    map.show(drawn.features.map((/** @type {any} */ f) => style(f, holders, verb)));
    other.show(shapes);
    const wanted = `${layer.value} ${two}`;
    if (fitted !== wanted) {
      const box = around(moved.flatMap((change) => outlines(change.geometry)).flat());
      for (const one of two ? [map, other] : [map]) {
        if (box) one.near(box);
        else one.fit();
      }
    }
    fitted = wanted;
    drawKey(holders, moved.length > 0);
    areas.show(features);
    difference.hidden = !compared;
    if (compared) {
      changed.show(moved);
      const total = moved.reduce((sum, change) => sum + change.area_km2, 0);
      const text = moved.length
        ? `From ${instant(first.time)} to ${instant(second.time)}, ${number(total, total < 10 ? 2 : 0)} km² changed as recorded.`
        : `From ${instant(first.time)} to ${instant(second.time)} nothing changed as recorded.`;
      say(summary, text);
      announce(text);
    }
  }

  /**
   * @param {any} feature
   * @param {string[]} holders
   * @param {string} verb
   * @returns {import("../control/areamap.js").Shape}
   */
  function style(feature, holders, verb) {
    const { holder, name } = feature.properties;
    const i = holders.indexOf(holder || name);
    return {
      lines: outlines(feature.geometry),
      colour: SERIES[i % SERIES.length],
      dash: DASHES[i % DASHES.length],
      fill: "soft",
      text: holder ? `${holder} ${verb} ${name}` : name,
    };
  }

  /**
   * @param {string[]} holders
   * @param {boolean} moved
   */
  function drawKey(holders, moved) {
    fill(
      key,
      ...holders.map((holder, i) => {
        const sign = h("span", { class: "mark", "aria-hidden": "true" }, ["━", "╍", "┅", "┉"][i % 4]);
        sign.style.color = SERIES[i % SERIES.length];
        return h("li", {}, sign, ` ${holder}`);
      }),
      moved ? h("li", {}, "▨ changed between the dates") : null,
    );
  }

  const again = () => attempt(trouble, show);
  const anew = () =>
    attempt(trouble, async () => {
      const [from, to] = [first.time, second.time];
      await loadDates();
      first.set(from);
      second.set(to);
      await show();
    });
  layer.addEventListener("change", anew);
  known.addEventListener("change", anew);
  comparing.addEventListener("change", () => {
    if (comparing.checked && first.slider.value === second.slider.value) {
      first.slider.value = String(Math.max(0, Number(first.slider.value) - 1));
    }
    again();
  });
  for (const date of [first, second]) date.slider.addEventListener("input", again);
  await Promise.all([map.start(), other.start()]);
  await attempt(trouble, async () => {
    await loadDates();
    first.set(query.get("from"));
    second.set(query.get("to"));
    await show();
  });
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}

/**
 * A box around places, with a margin; null without any.
 * @param {[number, number][]} places  longitude, latitude
 * @returns {[number, number, number, number] | null}
 */
function around(places) {
  if (!places.length) return null;
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of places) {
    west = Math.min(west, x);
    east = Math.max(east, x);
    south = Math.min(south, y);
    north = Math.max(north, y);
  }
  const more = MARGIN * Math.max(east - west, north - south);
  return [west - more, south - more, east + more, north + more];
}
