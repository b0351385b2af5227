// One satellite: where it is, whom it serves, through which gateway.

import { ask } from "../live/api.js";
import { fill, h } from "../parts/dom.js";
import { nameOf, terminalLink } from "../parts/listings.js";
import { degrees, number, place } from "../parts/words.js";

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { params, signal, events }) {
  const page = h("div", { class: "page" });
  fill(root, page);
  async function load() {
    const s = await ask(`/satellites/${params.number}`, {}, { signal });
    const served = s.terminals ?? [];
    fill(
      page,
      h("div", { class: "head" }, h("h1", {}, s.name), h("span", { class: s.out ? "refused" : s.serving_cells ? "served" : "off" }, s.out ? "✖ out of service" : s.serving_cells ? "● serving" : "○ idle")),
      h(
        "div",
        { class: "panel" },
        h(
          "dl",
          { class: "facts" },
          [
            ["Catalogue number", String(s.number)],
            ["Shell", s.shell ?? "–"],
            ["Below it", place(s.latitude_deg, s.longitude_deg)],
            ["Altitude", `${number(s.altitude_km)} km`],
            ["Inclination", degrees(s.inclination_deg)],
            ["Serves", `${number(s.serving_terminals)} terminals in ${number(s.serving_cells)} cells`],
            ["Gateway", nameOf(s.gateway)],
          ].flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]),
        ),
      ),
      served.length
        ? h("div", { class: "panel" }, h("h2", {}, "Terminals served"), h("ul", {}, served.map((/** @type {any} */ t) => h("li", {}, typeof t === "string" ? terminalLink({ id: t }) : terminalLink(t)))))
        : null,
    );
  }
  const end = events.on("slot", () => load().catch(() => {}));
  signal.addEventListener("abort", end);
  await load();
}
