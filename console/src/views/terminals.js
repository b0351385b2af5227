// All terminals, with their state and why.

import { MANY, all } from "../live/api.js";
import { h, put, say } from "../parts/dom.js";
import { TERMINAL_COLUMNS } from "../parts/listings.js";
import { makeTable } from "../parts/table.js";
import { number, stateWords } from "../parts/words.js";

const STATES = ["", "served", "refused", "no_path", "off"];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, events, keep }) {
  const state = h("select", { id: "state" }, STATES.map((s) => h("option", { value: s }, s ? stateWords(s).word : "any")));
  state.value = STATES.includes(query.get("state") ?? "") ? (query.get("state") ?? "") : "";
  const name = h("input", { id: "named", type: "search", value: query.get("q") ?? "" });
  const table = makeTable({ caption: "Terminals", columns: TERMINAL_COLUMNS, id: (t) => t.id, empty: "no terminal is like this" });
  const more = h("p", { class: "quiet" });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Terminals")),
      h("div", { class: "row" }, h("label", { for: "state" }, "State "), state, h("label", { for: "named" }, "Name "), name),
      more,
      h("div", { class: "panel" }, table.element),
    ),
  );
  async function load() {
    keep({ state: state.value || null, q: name.value || null });
    const found = await all("/terminals", { state: state.value, q: name.value }, { signal, limit: MANY });
    table.show(found);
    say(more, found.length >= MANY ? `The first ${number(found.length)} are listed; name or state finds others.` : "");
  }
  const again = () => load().catch(() => {});
  state.addEventListener("change", again);
  name.addEventListener("input", again);
  const ends = [events.on("slot", again), events.on("up", again)];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  await load();
}
