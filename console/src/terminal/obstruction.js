// The obstruction map that the dish paints: what it saw, what was hidden, what it does not know.

import { h, say } from "../parts/dom.js";
import { ink, prepare, redraw } from "../parts/paint.js";
import { makeTable } from "../parts/table.js";
import { number, percent } from "../parts/words.js";

const SIZE = 260;

/** @param {AbortSignal} signal */
export function makeObstructionMap(signal) {
  /** @type {number[]} */
  let pixels = [];
  let side = 0;
  const canvas = h("canvas", { role: "img", id: "obstruction" });
  const words = h("p", { class: "quiet" });
  const table = makeTable({
    caption: "The same by direction",
    columns: [
      { title: "Direction", value: (r) => r.name },
      { title: "Seen", value: (r) => number(r.seen), right: true },
      { title: "Hidden", value: (r) => number(r.hidden), right: true },
      { title: "Hidden of what is known", value: (r) => (r.seen ? percent(r.hidden / r.seen) : "–"), right: true },
    ],
    id: (r) => r.name,
  });
  const element = h("div", { class: "columns" }, h("div", {}, canvas, words), table.element);

  function draw() {
    const prepared = prepare(canvas, SIZE);
    if (!prepared || !side) return;
    const { context: c, width } = prepared;
    const step = SIZE / side;
    const left = (width - SIZE) / 2;
    c.fillStyle = ink("raised");
    c.beginPath();
    c.arc(left + SIZE / 2, SIZE / 2, SIZE / 2, 0, 2 * Math.PI);
    c.fill();
    for (const [wanted, colour] of /** @type {const} */ ([[1, "served"], [0, "refused"]])) {
      c.fillStyle = ink(colour);
      for (let k = 0; k < pixels.length; k++) {
        const value = pixels[k];
        if (value < 0 || Math.round(value) !== wanted) continue;
        const [x, y] = [left + (k % side) * step, Math.floor(k / side) * step];
        // What is hidden is a smaller square than what is seen: shape beside colour.
        if (wanted) c.fillRect(x, y, step + 0.5, step + 0.5);
        else c.fillRect(x + step * 0.15, y + step * 0.15, step * 0.7, step * 0.7);
      }
    }
    c.fillStyle = ink("text");
    c.textAlign = "center";
    c.textBaseline = "top";
    c.fillText("N", left + SIZE / 2, 4);
  }
  redraw(canvas, signal, draw);

  return {
    element,
    /** @param {any} answer  what GET /terminals/{id}/obstruction-map answers */
    show(answer) {
      pixels = answer.pixels;
      side = answer.columns;
      const known = pixels.filter((v) => v >= 0).length;
      const hidden = pixels.filter((v) => v === 0).length;
      const upright = answer.frame !== "ut";
      say(
        words,
        `${known ? `${percent(hidden / known)} of what is known is hidden.` : "Nothing is known yet."} Drawn ${upright ? "with the zenith in the middle, north up" : "relative to the dish, its boresight in the middle"}, ${number(answer.max_theta_deg)}° from it at the edge. Blue: a satellite was seen; orange: hidden; grey: not known.`,
      );
      canvas.setAttribute("aria-label", `Obstruction map: ${known ? percent(hidden / known) : "nothing"} hidden of ${known} directions known`);
      table.show(octants(pixels, side));
      draw();
    },
  };
}

/**
 * @param {readonly number[]} pixels
 * @param {number} side
 */
function octants(pixels, side) {
  const names = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
  const rows = names.map((name) => ({ name, seen: 0, hidden: 0 }));
  const middle = (side - 1) / 2;
  pixels.forEach((value, k) => {
    if (value < 0) return;
    const angle = Math.atan2((k % side) - middle, middle - Math.floor(k / side));
    const row = rows[(Math.round((angle / Math.PI) * 4) + 8) % 8];
    row.seen++;
    if (value === 0) row.hidden++;
  });
  return rows;
}
