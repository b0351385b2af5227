// All satellites, by name or shell.

import { MANY, all, ask } from "../live/api.js";
import { fill, h, put, say } from "../parts/dom.js";
import { SATELLITE_COLUMNS } from "../parts/listings.js";
import { makeTable } from "../parts/table.js";
import { degrees, number } from "../parts/words.js";

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, events, keep }) {
  const shell = h("select", { id: "shell" }, h("option", { value: "" }, "all"));
  const name = h("input", { id: "named", type: "search", value: query.get("q") ?? "" });
  const table = makeTable({ caption: "Satellites", columns: SATELLITE_COLUMNS, id: (s) => s.number, empty: "no satellite is like this" });
  const shells = makeTable({
    caption: "Shells",
    columns: [
      { title: "Shell", value: (s) => String(s.name), sort: (s) => s.name },
      { title: "Satellites", value: (s) => number(s.count ?? s.satellites), sort: (s) => s.count ?? s.satellites, right: true },
      { title: "Serving", value: (s) => number(s.serving), sort: (s) => s.serving, right: true },
      { title: "Altitude", value: (s) => `${number(s.altitude_km)} km`, sort: (s) => s.altitude_km, right: true },
      { title: "Inclination", value: (s) => degrees(s.inclination_deg), sort: (s) => s.inclination_deg, right: true },
    ],
    id: (s) => s.name,
  });
  const more = h("p", { class: "quiet" });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("h1", {}, "Satellites"),
      h("div", { class: "panel" }, shells.element),
      h("div", { class: "row" }, h("label", { for: "shell" }, "Shell "), shell, h("label", { for: "named" }, "Name or number "), name),
      more,
      h("div", { class: "panel" }, table.element),
    ),
  );
  const found = (await ask("/shells", {}, { signal })).items;
  shells.show(found);
  fill(shell, h("option", { value: "" }, "all"), ...found.map((/** @type {any} */ s) => h("option", { value: s.name }, s.name)));
  shell.value = query.get("shell") ?? "";
  async function load() {
    keep({ shell: shell.value || null, q: name.value || null });
    const found = await all("/satellites", { shell: shell.value, q: name.value }, { signal, limit: MANY });
    table.show(found);
    say(more, found.length >= MANY ? `The first ${number(found.length)} are listed; shell, name or number finds others.` : "");
  }
  const again = () => load().catch(() => {});
  shell.addEventListener("change", again);
  name.addEventListener("input", again);
  const end = events.on("slot", again);
  signal.addEventListener("abort", end);
  await load();
}
