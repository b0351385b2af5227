// The line under the header: time, slot, speed, who is served; and the banner when the server is gone.

import { ask } from "../live/api.js";
import { byId, fill, h, put, say } from "../parts/dom.js";
import { instant, number, seconds, span } from "../parts/words.js";

const SPEEDS = [1, 2, 5, 10, 20, 60];

/**
 * @param {object} parts
 * @param {import("../live/system.js").SystemState} parts.system
 * @param {import("../live/events.js").Events} parts.events
 * @param {import("../live/clock.js").Clock} parts.clock
 * @param {(text: string) => void} parts.announce
 */
export function buildStatus({ system, events, clock, announce }) {
  const time = h("span", { class: "number", id: "time" }, "–");
  const slot = h("span", { id: "slot" }, "slot –");
  const left = h("span", { class: "number", id: "slot-left" }, "–");
  const fillBar = h("i");
  const counts = h("div", { id: "counts" });
  const notes = h("div", { class: "quiet", id: "notes" });
  const pause = h("button", { id: "pause", "aria-pressed": "false" }, "Pause");
  const speed = h("select", { "aria-label": "Speed", id: "speed" }, SPEEDS.map((x) => h("option", { value: x }, `×${x}`)));
  const trouble = h("span", { class: "problem", role: "status" });

  /** @param {Record<string, unknown>} body */
  async function change(body) {
    say(trouble, "");
    try {
      await ask("/time", {}, { method: "POST", body });
    } catch (error) {
      say(trouble, error instanceof Error ? error.message : String(error));
    }
    await system.refresh();
  }
  pause.addEventListener("click", () => change({ paused: !clock.paused }));
  speed.addEventListener("change", () => change({ speed: Number(speed.value), paused: false }));

  fill(
    byId("status"),
    h("div", {}, h("span", { class: "quiet" }, "UTC"), time),
    h("div", {}, slot, h("span", { class: "bar", "aria-hidden": "true" }, fillBar), left),
    h("div", {}, pause, speed, trouble),
    counts,
    notes,
  );

  let said = "";
  system.on((state) => {
    const now = state.latest;
    if (!state.reachable || !now) return;
    const refused = now.terminals?.refused ?? 0;
    const out = now.terminals?.out_of_service ?? 0;
    fill(
      counts,
      h("a", { href: "#/terminals?state=served", class: "served" }, `● ${number(now.terminals?.served)} served`),
      h("a", { href: "#/terminals?state=refused", class: "refused" }, `✖ ${number(refused)} refused`),
      out ? h("a", { href: "#/terminals?state=no_path", class: "no_path" }, `▲ ${number(out)} without a path`) : null,
    );
    const elements = now.elements;
    fill(notes);
    put(
      notes,
      `${number(now.satellites)} satellites`,
      elements ? `, elements ${elements.name}${elements.age_days === null || elements.age_days === undefined ? "" : `, ${number(elements.age_days, 1)} days old`}` : "",
      now.plan?.late_count ? h("b", { class: "problem" }, `${now.plan.late_count === 1 ? "1 plan" : `${number(now.plan.late_count)} plans`} came late`) : "",
    );
    pause.setAttribute("aria-pressed", String(Boolean(now.paused)));
    say(pause, now.paused ? "Go on" : "Pause");
    if (document.activeElement !== speed) {
      if (!SPEEDS.includes(now.speed) && !speed.querySelector(`option[value="${now.speed}"]`))
        speed.append(h("option", { value: now.speed }, `×${now.speed}`));
      speed.value = String(now.speed);
    }
    const text = `${number(now.terminals?.served)} terminals served, ${number(refused)} refused${out ? `, ${number(out)} without a path` : ""}`;
    if (said && said !== text) announce(text);
    said = text;
  });

  setInterval(() => {
    if (!clock.known) return;
    const now = clock.now();
    say(time, instant(now));
    const shown = system.latest?.slot;
    const start = seconds(shown?.start);
    const end = seconds(shown?.end);
    if (start === null || end === null) return;
    const length = end - start;
    // Between two answers the slot may have changed: slots have equal lengths, so its number follows.
    const passed = Math.floor((now - start) / length);
    const rest = end + passed * length - now;
    say(slot, `slot ${Number(shown.number) + passed}`);
    say(left, span(Math.max(0, rest)));
    fillBar.style.width = `${100 * (1 - rest / length)}%`;
  }, 200);

  const banner = byId("banner");
  /** @param {boolean} up */
  const connection = (up) => {
    say(banner, up ? "" : "The server does not answer. What is shown is the last that was known; the page connects again by itself.");
    banner.hidden = up;
  };
  let tried = false;
  events.on("up", () => {
    if (tried) announce("Connected again");
    tried = true;
    connection(true);
  });
  events.on("down", () => connection(false));
  system.on((state) => {
    if (!state.reachable) connection(false);
    else if (events.up) connection(true);
  });
}
