// An order from nothing: what it does, over what, why; how many terminals it touches; signed and recorded.

import { all, ask } from "../live/api.js";
import { makeAreaMap, outlines } from "../control/areamap.js";
import { attempt, controlBar, troubleBox } from "../control/bar.js";
import { makeSignPanel } from "../control/signpanel.js";
import { fill, h, put, say } from "../parts/dom.js";
import { SERIES } from "../parts/paint.js";
import { enc } from "../parts/words.js";

const ACTIONS = [
  ["suspend", "suspend: no service"],
  ["activate", "activate: switch the service on where a licence waits for that"],
  ["allow", "allow: emergency permission"],
  ["speed cap", "speed cap: no service above a speed"],
  ["limit", "limit: service at a lower rate"],
  ["exempt", "exempt: named rules do not apply"],
];
const TARGETS = ["area", "cell", "unit", "account", "model", "party"];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, go, system, announce }) {
  const action = h("select", { id: "action" }, ACTIONS.map(([value, word]) => h("option", { value }, word)));
  const target = h("select", { id: "target" }, TARGETS.map((value) => h("option", { value }, value)));
  const on = h("input", { id: "on", size: 34, list: "on-names", autocomplete: "off", value: query.get("on") ?? "" });
  if (TARGETS.includes(query.get("target") ?? "")) target.value = query.get("target") ?? "area";
  const names = h("datalist", { id: "on-names" });
  const speed = h("input", { id: "speed-cap", size: 8, inputmode: "decimal" });
  const rate = h("input", { id: "rate", size: 8, inputmode: "decimal" });
  const rules = h("input", { id: "exempts", size: 34, placeholder: "allow_list.absent, plan.ocean" });
  const rulesLabel = h("label", {}, "From the rules ", rules);
  const speedLabel = h("label", {}, "Speed, m/s ", speed);
  const rateLabel = h("label", {}, "Rate, Mbit/s ", rate);
  const reason = h("input", { id: "reason", size: 46 });
  const basis = h("input", { id: "legal-basis", size: 46 });
  const source = h("input", { id: "source", size: 46, placeholder: "the document it comes from" });
  const to = h("input", { id: "valid-to", size: 22, placeholder: "until further notice" });
  const from = h("input", { id: "valid-from", size: 22, placeholder: "now" });
  const who = h("p", { class: "quiet", id: "who" });
  const trouble = troubleBox();
  const map = makeAreaMap({ words: "Map of the area that the order is over.", signal });
  const about = h("p", { id: "about-area", "aria-live": "polite" });
  /** @type {any[]} */
  let areas = [];
  /** @type {any[]} */
  let cells = [];

  const panel = makeSignPanel({
    name: "order",
    prepare: "Draft: see what it touches",
    record: "Sign and record the order",
    begin: () => {
      const said = {
        action: action.value,
        target: target.value,
        on: on.value.trim(),
        reason: reason.value.trim(),
        legal_basis: basis.value.trim(),
        ...(action.value === "speed cap" ? { speed_cap_m_s: Number(speed.value) } : {}),
        ...(action.value === "exempt" ? { exempts: rules.value.split(/[\s,]+/).filter(Boolean) } : {}),
        ...(action.value === "limit" ? { rate_bps: Number(rate.value) * 1e6 } : {}),
      };
      for (const [field, input] of /** @type {[string, HTMLInputElement][]} */ ([["what it is over", on], ["a reason", reason], ["a legal basis", basis]]))
        if (!input.value.trim()) {
          input.focus();
          throw new Error(`an order needs ${field}`);
        }
      const times = { ...(from.value.trim() ? { valid_from: from.value.trim() } : {}), ...(to.value.trim() ? { valid_to: to.value.trim() } : {}) };
      const more = source.value.trim() ? { source: source.value.trim() } : {};
      const asked = { ...said, ...more, ...times };
      return { asked: { kind: "Order", ...asked }, draft: () => ask("/orders/draft", {}, { method: "POST", body: asked, signal }) };
    },
    submit: async (signed) => {
      const recorded = await ask("/orders", {}, { method: "POST", body: signed, signal });
      announce("The order is recorded.");
      go(`#/order/${enc(recorded.order)}`);
    },
  });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Draft an order"), controlBar("/orders")),
      who,
      trouble,
      h(
        "div",
        { class: "columns" },
        h(
          "section",
          { class: "panel stack form", "aria-label": "Order" },
          h("label", {}, "It shall ", action),
          h("div", { class: "row" }, speedLabel, rateLabel, rulesLabel),
          h("div", { class: "row" }, h("label", {}, "over ", target), h("label", {}, "named ", on), names),
          h("label", {}, "Reason ", reason),
          h("label", {}, "Legal basis ", basis),
          h("label", {}, "Source ", source),
          h("div", { class: "row" }, h("label", {}, "From ", from), h("label", {}, "to ", to)),
          panel.element,
        ),
        h("section", { class: "panel", "aria-label": "Area" }, map.element, about),
      ),
    ),
  );

  function choose() {
    speedLabel.hidden = action.value !== "speed cap";
    rateLabel.hidden = action.value !== "limit";
    rulesLabel.hidden = action.value !== "exempt";
    const options =
      target.value === "area"
        ? [...new Set(areas.map((f) => `${f.properties.layer}/${f.properties.name}`))]
        : target.value === "cell"
          ? cells.map((c) => String(c.cell))
          : [];
    fill(names, ...options.map((value) => h("option", { value })));
    panel.clear();
    draw();
  }

  function draw() {
    const name = on.value.trim();
    const parts = areas.filter((f) => target.value === "area" && `${f.properties.layer}/${f.properties.name}` === name);
    const cell = target.value === "cell" ? cells.find((c) => String(c.cell) === name) : null;
    const shapes = [
      ...parts.map((f) => ({ lines: outlines(f.geometry), text: name })),
      ...(cell ? [{ lines: outlines({ type: "Polygon", coordinates: [cell.boundary] }), text: `cell ${name}` }] : []),
    ];
    map.show(shapes.map((shape) => ({ ...shape, colour: SERIES[5], fill: /** @type {const} */ ("hatch"), dash: [], strong: true })));
    map.fit();
    const sources = [...new Set(parts.map((f) => f.properties.source))];
    say(about, parts.length ? `${name}: as drawn by ${sources.join("; ")}.` : cell ? `Cell ${name}: ${cell.terminals} terminals in it now.` : "Choose an area or a cell to see it.");
  }

  const person = () => {
    const latest = system.latest;
    if (!latest) return;
    const acts = latest.bodies?.length ? ` for ${latest.bodies.join(" and ")}` : (latest.roles ?? []).includes("operator") ? " for the operator" : "";
    say(who, latest.person ? `You are ${latest.person}${acts}.` : "Without a token nothing can be drafted: sign in as somebody of an authority, or as an operator.");
  };
  signal.addEventListener("abort", system.on(person));
  for (const input of [action, target]) input.addEventListener("change", choose);
  on.addEventListener("change", () => {
    panel.clear();
    draw();
  });
  await map.start();
  await attempt(trouble, async () => {
    const [drawn, there] = await Promise.all([ask("/territories", {}, { signal }), all("/cells", {}, { signal })]);
    areas = drawn.features;
    cells = there;
  });
  choose();
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
