// RTT, loss and rate over the last 15 minutes, with one cursor through all three.

import { fill, h } from "../parts/dom.js";
import { makePlot } from "../parts/plot.js";
import { makeTable } from "../parts/table.js";
import { clock, milliseconds, percent, rate, seconds } from "../parts/words.js";

/**
 * @typedef {object} History  what GET /terminals/{id}/history answers, times as Unix seconds
 * @property {number[]} time
 * @property {(number | null)[]} rtt
 * @property {(number | null)[]} loss
 * @property {(number | null)[]} down
 * @property {(string | null)[]} satellite
 * @property {number[]} slots
 */

/**
 * @param {any} answer
 * @returns {History}
 */
export function readHistory(answer) {
  return {
    time: (answer.time ?? []).map((/** @type {any} */ t) => seconds(t) ?? 0),
    rtt: answer.rtt_ms ?? [],
    loss: answer.loss ?? [],
    down: answer.rate_down_bps ?? [],
    satellite: answer.satellite ?? [],
    slots: (answer.slot_starts ?? []).map((/** @type {any} */ t) => seconds(t) ?? 0),
  };
}

/**
 * Instants at which another satellite took over.
 * @param {History} history
 */
export function changes({ time, satellite }) {
  return time.filter((_, i) => i > 0 && satellite[i] !== satellite[i - 1]);
}

/** @param {AbortSignal} signal */
export function makePlots(signal) {
  /** @type {ReturnType<typeof makePlot>[]} */
  const plots = [];
  const oncursor = (/** @type {number | null} */ time) => plots.forEach((plot) => plot.cursor(time));
  const rtt = makePlot({ title: "Round trip", words: milliseconds, least: 50, signal, oncursor });
  const loss = makePlot({ title: "Loss", words: percent, least: 0.02, signal, oncursor });
  const down = makePlot({ title: "Rate down", words: rate, least: 1e7, signal, oncursor });
  plots.push(rtt, loss, down);
  const table = makeTable({
    caption: "The same, slot by slot (means)",
    columns: [
      { title: "Slot", value: (r) => clock(r.start) },
      { title: "Satellite", value: (r) => r.satellite ?? "none" },
      { title: "RTT", value: (r) => milliseconds(r.rtt), right: true },
      { title: "Loss", value: (r) => percent(r.loss), right: true },
      { title: "Rate down", value: (r) => rate(r.down), right: true },
    ],
    id: (r) => r.start,
  });
  const element = h("div", {});
  fill(
    element,
    ...plots.map((plot) => plot.element),
    h("p", { class: "quiet" }, "Stripes are slots of 15 s, dashed lines handovers, hatched bands times without a path."),
    h("details", {}, h("summary", {}, "As a table"), table.element),
  );
  return {
    element,
    /** @param {History} history */
    show(history) {
      const shared = { time: history.time, slots: history.slots, changes: changes(history) };
      rtt.show({ ...shared, values: history.rtt });
      // Without a path everything is lost; that is a gap of the path and no measurement of loss.
      loss.show({ ...shared, values: history.loss.map((v, i) => (history.satellite[i] === null ? null : v)) });
      down.show({ ...shared, values: history.down });
      table.show(bySlot(history).reverse());
    },
    cursor: oncursor,
  };
}

/** @param {History} history */
function bySlot(history) {
  return history.slots.flatMap((start) => {
    const rows = history.time.flatMap((t, i) => (t >= start && t < start + 15 ? [i] : []));
    if (!rows.length) return [];
    const mean = (/** @type {(number | null)[]} */ column) => {
      const values = rows.map((i) => column[i]).filter((v) => v !== null && v !== undefined);
      return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
    };
    return [{ start, satellite: history.satellite[rows[0]], rtt: mean(history.rtt), loss: mean(history.loss), down: mean(history.down) }];
  });
}
