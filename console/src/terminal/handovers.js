// The next handover, and those that were: a strip of slots that can be scrubbed back.

import { fill, h, say } from "../parts/dom.js";
import { SERIES, ink, prepare, redraw } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { clock, iso, seconds, span } from "../parts/words.js";

const HEIGHT = 46;
const SLOT_S = 15;

/**
 * Who served before or after a handover.
 * @param {any} side
 */
function link(side) {
  if (!side?.satellite_name) return h("span", {}, `no satellite${side?.words ? ` (${side.words})` : ""}`);
  return h("a", { href: `#/satellite/${side.satellite_number}` }, side.satellite_name);
}

/**
 * @param {import("../live/clock.js").Clock} clockOfSystem
 * @param {AbortSignal} signal
 */
export function makeNextHandover(clockOfSystem, signal) {
  const words = h("p", { class: "big", id: "next-handover" }, "–");
  const note = h("p", { class: "quiet" });
  const element = h("div", {}, words, note);
  /** @type {any} */
  let next = null;
  const left = h("span", { class: "number" });
  const tick = setInterval(() => {
    const at = seconds(next?.time);
    if (at !== null) say(left, span(Math.max(0, at - clockOfSystem.now())));
  }, 250);
  signal.addEventListener("abort", () => clearInterval(tick));
  return {
    element,
    /** @param {any} answer  what GET /terminals/{id}/next-handover answers */
    show(answer) {
      next = answer;
      const at = seconds(answer?.time);
      if (at === null) {
        const until = seconds(answer?.known_until);
        fill(words, until === null ? "No handover is planned." : `No handover before ${clock(until)}.`);
        say(note, until === null ? (answer?.words ?? "") : "Plans reach so far.");
        return;
      }
      say(left, span(Math.max(0, at - clockOfSystem.now())));
      fill(words, "In ", left, `, at ${clock(at)}, from `, link(answer.before), " to ", link(answer.after), ".");
      say(note, answer.sure ? "It is decided." : "It is drafted: it comes so if nothing changes until then.");
    },
  };
}

/**
 * @param {AbortSignal} signal
 * @param {(time: number | null) => void} onscrub  null: back to now
 */
export function makeTimeline(signal, onscrub) {
  /** @type {import("./plots.js").History} */
  let history = { time: [], rtt: [], loss: [], down: [], satellite: [], slots: [] };
  /** @type {number | null} */
  let chosen = null;
  const canvas = h("canvas", { role: "img" });
  const slider = h("input", { type: "range", id: "scrub", min: 0, max: 0, step: 1, value: 0 });
  const at = h("output", { for: "scrub", id: "scrubbed" }, "now");
  const back = h("button", { disabled: true, onclick: () => choose(null) }, "Back to now");
  const table = makeTable({
    caption: "Handovers, latest first",
    columns: [
      { title: "Time", value: (r) => h("button", { onclick: () => choose(seconds(r.time)) }, clock(r.time)), sort: (r) => r.time },
      { title: "From", value: (r) => link(r.before) },
      { title: "To", value: (r) => link(r.after) },
      { title: "Gateway", value: (r) => r.after?.gateway ?? "–" },
    ],
    id: (r) => `${r.time}`,
    empty: "none in this time",
  });
  const element = h(
    "div",
    {},
    canvas,
    h("div", { class: "row" }, h("label", { for: "scrub" }, "Look back "), slider, at, back),
    table.element,
  );
  slider.style.flex = "1 1 12rem";

  /** @param {number | null} time */
  function choose(time) {
    chosen = time;
    back.disabled = time === null;
    say(at, time === null ? "now" : clock(time));
    if (time === null) slider.value = slider.max;
    else {
      const index = history.slots.findLastIndex((start) => start <= time + 0.5);
      slider.value = String(Math.max(index, 0));
    }
    draw();
    onscrub(time);
  }
  slider.addEventListener("input", () => {
    const index = Number(slider.value);
    choose(index >= history.slots.length - 1 ? null : (history.slots[index] ?? null));
  });

  function draw() {
    const prepared = prepare(canvas, HEIGHT);
    const runs = stays(history);
    canvas.setAttribute("aria-label", `Serving satellites of the last minutes: ${runs.length} stays. The table below lists the handovers.`);
    if (!prepared || history.time.length < 2) return;
    const { context: c, width } = prepared;
    const from = history.time[0];
    const to = /** @type {number} */ (history.time.at(-1));
    const x = (/** @type {number} */ t) => ((t - from) / (to - from)) * width;
    const names = [...new Set(runs.map((run) => run.satellite).filter((s) => s !== null))];
    c.textBaseline = "middle";
    c.textAlign = "center";
    for (const run of runs) {
      const [a, b] = [x(run.start), x(run.end)];
      const own = run.satellite === null ? null : SERIES[names.indexOf(run.satellite) % SERIES.length];
      c.fillStyle = own ?? ink("raised");
      c.globalAlpha = own ? 0.85 : 1;
      c.fillRect(a, 8, Math.max(b - a - 1, 1), 26);
      c.globalAlpha = 1;
      const text = run.satellite ?? "none";
      if (c.measureText(text).width < b - a - 6) {
        c.fillStyle = own ? "#08121c" : ink("quiet");
        c.fillText(text, (a + b) / 2, 21);
      }
    }
    c.fillStyle = ink("quiet");
    for (const slot of history.slots) if (slot >= from) c.fillRect(x(slot), 36, 1, 5);
    if (chosen !== null) {
      c.strokeStyle = ink("text");
      c.lineWidth = 2;
      c.strokeRect(x(chosen), 5, Math.max(x(chosen + SLOT_S) - x(chosen), 3), 32);
    }
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (history.time.length < 2) return;
    const time = history.time[0] + (event.offsetX / canvas.clientWidth) * (/** @type {number} */ (history.time.at(-1)) - history.time[0]);
    choose(history.slots.findLast((start) => start <= time) ?? null);
  });
  redraw(canvas, signal, draw);

  return {
    element,
    choose,
    get time() {
      return chosen === null ? null : iso(chosen);
    },
    /** @param {import("./plots.js").History} next */
    showHistory(next) {
      history = next;
      slider.max = String(Math.max(0, next.slots.length - 1));
      if (chosen === null) slider.value = slider.max;
      else slider.value = String(Math.max(0, next.slots.findLastIndex((start) => start <= (chosen ?? 0) + 0.5)));
      draw();
    },
    /** @param {any[]} handovers */
    showHandovers(handovers) {
      table.show([...handovers].sort((a, b) => (seconds(b.time) ?? 0) - (seconds(a.time) ?? 0)));
    },
  };
}

/**
 * Stays with one satellite, or without.
 * @param {import("./plots.js").History} history
 * @returns {{satellite: string | null, start: number, end: number}[]}
 */
export function stays({ time, satellite }) {
  /** @type {{satellite: string | null, start: number, end: number}[]} */
  const found = [];
  time.forEach((at, i) => {
    const last = found.at(-1);
    if (last && last.satellite === (satellite[i] ?? null)) last.end = at;
    else {
      if (last) last.end = at;
      found.push({ satellite: satellite[i] ?? null, start: at, end: at });
    }
  });
  return found;
}
