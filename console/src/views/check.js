// A place or a terminal, a time, and what was known: the decision with every reason, and what changes next.

import { ask } from "../live/api.js";
import { makeAreaMap } from "../control/areamap.js";
import { attempt, controlBar, during, troubleBox } from "../control/bar.js";
import { fill, h, put } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, place, plain } from "../parts/words.js";
import { showDecision } from "../terminal/decision.js";

const NEAR_DEG = 3; // around a place that is asked about

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep, announce }) {
  const field = (/** @type {string} */ id, /** @type {string} */ name, /** @type {Record<string, unknown>} */ more) => {
    const input = h("input", { id, autocomplete: "off", value: query.get(name) ?? "", ...more });
    return input;
  };
  const terminal = field("check-terminal", "terminal", { size: 18, list: "check-terminals" });
  const latitude = field("check-latitude", "lat", { size: 9, inputmode: "decimal" });
  const longitude = field("check-longitude", "lon", { size: 9, inputmode: "decimal" });
  const time = field("check-time", "time", { size: 22, placeholder: "now" });
  const known = field("check-known", "known", { size: 22, placeholder: "all on record" });
  const names = h("datalist", { id: "check-terminals" });
  const trouble = troubleBox();
  const answer = h("div", { id: "answer" });
  const map = makeAreaMap({
    words: "Map to choose a place on; latitude and longitude can be written instead.",
    signal,
    onpick: (lat, lon) => {
      latitude.value = lat.toFixed(4);
      longitude.value = lon.toFixed(4);
      run();
    },
  });
  const ground = makeTable({
    caption: "On record of the ground there",
    columns: [
      { title: "Layer", value: (g) => g.layer, sort: (g) => g.layer },
      { title: "What it says", value: (g) => g.words, sort: (g) => g.words },
      { title: "Source", value: (g) => g.source, sort: (g) => g.source },
      { title: "Holds", value: (g) => during(g), sort: (g) => g.valid_from },
      { title: "Recorded", value: (g) => instant(g.recorded_at), sort: (g) => g.recorded_at },
    ],
    id: (g) => g.fact,
    empty: "nothing is on record of this ground, or no place was given",
  });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Check a place"), controlBar("/check")),
      h(
        "form",
        { class: "panel stack", onsubmit: (/** @type {Event} */ e) => (e.preventDefault(), run()) },
        h("div", { class: "row" }, h("label", {}, "Terminal ", terminal), names, h("label", {}, "Latitude ", latitude), h("label", {}, "Longitude ", longitude)),
        h("div", { class: "row" }, h("label", {}, "At ", time), h("label", {}, "As known at ", known), h("button", { class: "main" }, "Check")),
        h("p", { class: "quiet" }, "A terminal alone is asked about where it is now; with a place, as if the network had measured it there. Times are UTC, such as 2025-03-01T12:00:00Z."),
      ),
      trouble,
      h("div", { class: "columns" }, h("section", { class: "panel", "aria-label": "Decision" }, answer), h("section", { class: "panel", "aria-label": "Map" }, map.element)),
      h("section", { class: "panel", "aria-label": "Ground" }, ground.element),
    ),
  );

  async function run() {
    const asked = {
      terminal: terminal.value.trim(),
      latitude_deg: latitude.value.trim(),
      longitude_deg: longitude.value.trim(),
      time: time.value.trim(),
      as_known: known.value.trim(),
    };
    keep({ terminal: asked.terminal || null, lat: asked.latitude_deg || null, lon: asked.longitude_deg || null, time: asked.time || null, known: asked.as_known || null });
    await attempt(trouble, async () => {
      const found = await ask("/check", asked, { signal });
      ground.show(found.ground);
      const at = asked.latitude_deg && asked.longitude_deg ? [Number(asked.latitude_deg), Number(asked.longitude_deg)] : null;
      map.show([], at ? [{ latitude: at[0], longitude: at[1], text: place(at[0], at[1]) }] : []);
      if (at) map.near([at[1] - NEAR_DEG, at[0] - NEAR_DEG, at[1] + NEAR_DEG, at[0] + NEAR_DEG]);
      if (!found.decision) {
        fill(answer, h("h2", {}, at ? `${place(at[0], at[1])}, cell ${found.cell}` : "No terminal"), h("p", {}, "Name a terminal for a decision: below is what is on record of the ground."));
        announce(`${found.ground.length} things on record of the ground there`);
        return;
      }
      const decided = h("div", { id: "check-decision" });
      showDecision(decided, { decision: found.decision, explanation: found.explanation, asked: true });
      const next = found.next_change;
      fill(
        answer,
        h("h2", {}, `${asked.terminal}, ${found.position}`),
        decided,
        h("p", { id: "changes-next" }, next ? `Where it is, this changes by itself at ${instant(next.time)}: ${next.outcome}, ${plain(next.code_name)}.` : "Where it is, nothing on record changes this by itself."),
        h("p", {}, h("a", { href: `#/log?terminal=${enc(asked.terminal)}${asked.time ? `&time=${enc(asked.time)}` : ""}` }, "Prove what was decided about this terminal")),
      );
      announce(`${asked.terminal}: ${found.decision.outcome}`);
    });
  }

  ask("/terminals", { limit: 500 }, { signal })
    .then((found) => fill(names, ...found.items.map((/** @type {any} */ t) => h("option", { value: t.id }))))
    .catch(() => {}); // names to choose from are a convenience
  await map.start();
  ground.show([]);
  if (terminal.value || (latitude.value && longitude.value)) await run();
  else fill(answer, h("p", { class: "quiet" }, "Name a terminal, or choose a place on the map."));
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
