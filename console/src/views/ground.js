// Gateways and points of presence.

import { all } from "../live/api.js";
import { h, put } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { number, place } from "../parts/words.js";

/** @type {import("../parts/table.js").Column<any>[]} */
const PLACE = [
  { title: "Name", value: (g) => g.name, sort: (g) => g.name },
  { title: "Place", value: (g) => place(g.latitude_deg, g.longitude_deg), sort: (g) => g.latitude_deg },
  { title: "State", value: (g) => (g.out ? "✖ out of service" : "● in service"), sort: (g) => (g.out ? 1 : 0) },
];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, events }) {
  const wanted = (query.get("q") ?? "").toLowerCase();
  const rowClass = (/** @type {any} */ g) => (wanted && g.name.toLowerCase().includes(wanted) ? "chosen" : "");
  const gateways = makeTable({
    caption: "Gateways",
    columns: [
      ...PLACE,
      { title: "Antennas in use", value: (g) => `${number(g.in_use ?? 0)} of ${number(g.antennas)}`, sort: (g) => g.in_use ?? 0, right: true },
      { title: "PoP", value: (g) => g.pop ?? "–", sort: (g) => g.pop },
    ],
    id: (g) => g.name,
    rowClass,
  });
  const pops = makeTable({ caption: "Points of presence", columns: PLACE, id: (p) => p.name, rowClass });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("h1", {}, "Gateways and points of presence"),
      h("div", { class: "panel" }, gateways.element),
      h("div", { class: "panel" }, pops.element),
    ),
  );
  async function load() {
    const [g, p] = await Promise.all([all("/gateways", {}, { signal }), all("/pops", {}, { signal })]);
    gateways.show([...g].sort((a, b) => Number(rowClass(b) !== "") - Number(rowClass(a) !== "")));
    pops.show(p);
  }
  const end = events.on("slot", () => load().catch(() => {}));
  signal.addEventListener("abort", end);
  await load();
}
