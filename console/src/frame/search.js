// Search over terminals, satellites and gateways: a combobox after the ARIA practices.

import { ask } from "../live/api.js";
import { byId, fill, h } from "../parts/dom.js";
import { enc, stateWords } from "../parts/words.js";

const WAIT_MS = 150;
const EACH = 6;

/** @typedef {{text: string, place: string}} Hit */

/**
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<Hit[]>}
 */
async function find(text, signal) {
  const [terminals, satellites, gateways] = await Promise.all([
    ask("/terminals", { q: text, limit: EACH }, { signal }),
    ask("/satellites", { q: text, limit: EACH }, { signal }),
    ask("/gateways", {}, { signal }),
  ]);
  const wanted = text.toLowerCase();
  return [
    ...terminals.items.map((/** @type {any} */ t) => ({
      text: `${stateWords(t.state).mark} terminal ${t.name ?? t.id}, ${stateWords(t.state).word}`,
      place: `#/terminal/${enc(t.id)}`,
    })),
    ...satellites.items.map((/** @type {any} */ s) => ({
      text: `satellite ${s.name} (${s.number})`,
      place: `#/satellite/${s.number}`,
    })),
    ...gateways.items
      .filter((/** @type {any} */ g) => g.name.toLowerCase().includes(wanted))
      .slice(0, EACH)
      .map((/** @type {any} */ g) => ({ text: `gateway ${g.name}`, place: `#/ground?q=${enc(g.name)}` })),
  ];
}

/** @param {{go: (place: string) => void}} options */
export function buildSearch({ go }) {
  const list = h("ul", { id: "hits", role: "listbox", "aria-label": "What was found", hidden: true });
  const input = h("input", {
    id: "search-input",
    type: "search",
    role: "combobox",
    "aria-label": "Search terminals, satellites, gateways",
    "aria-expanded": "false",
    "aria-controls": "hits",
    "aria-autocomplete": "list",
    autocomplete: "off",
    placeholder: "Search ( / )",
  });
  /** @type {Hit[]} */
  let hits = [];
  let chosen = -1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let asking = null;

  function draw() {
    fill(
      list,
      ...hits.map((hit, i) =>
        h("li", { role: "option", id: `hit-${i}`, "aria-selected": String(i === chosen), onpointerdown: () => open(i) }, hit.text),
      ),
    );
    list.hidden = !hits.length;
    input.setAttribute("aria-expanded", String(hits.length > 0));
    if (chosen >= 0) {
      input.setAttribute("aria-activedescendant", `hit-${chosen}`);
      list.children[chosen].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index */
  function open(index) {
    const hit = hits[index];
    close();
    if (hit) go(hit.place);
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    hits = [];
    chosen = -1;
    input.value = "";
    draw();
  }

  async function search() {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const text = input.value.trim();
    try {
      const found = text ? await find(text, mine.signal) : [];
      if (mine.signal.aborted) return;
      hits = text && !found.length ? [{ text: `nothing is named like “${text}”`, place: location.hash || "#/" }] : found;
    } catch (error) {
      if (mine.signal.aborted) return;
      hits = [{ text: error instanceof Error ? error.message : String(error), place: location.hash || "#/" }];
    }
    chosen = hits.length ? 0 : -1;
    draw();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, WAIT_MS);
  });
  input.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (hits.length) chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + hits.length) % hits.length;
      draw();
    } else if (event.key === "Enter") {
      clearTimeout(timer);
      if (!hits.length) await search();
      open(Math.max(chosen, 0));
    } else if (event.key === "Escape") close();
  });
  input.addEventListener("blur", () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  });
  fill(byId("search"), input, list);
}
