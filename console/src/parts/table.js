// One table for all pages: sorted by its heads, changed in place so that focus and scroll stay.

import { fill, h, put, say } from "./dom.js";

const PAGE = 100;

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: Row) => import("./dom.js").Child | import("./dom.js").Child[]} value
 * @property {(row: Row) => string | number | null | undefined} [sort]  none: the column does not sort
 * @property {boolean} [right]  numbers
 */

/**
 * @template Row
 * @param {object} options
 * @param {string} options.caption
 * @param {Column<Row>[]} options.columns  the first names the row
 * @param {(row: Row) => string | number} options.id
 * @param {string} [options.empty]  what is said when there are no rows
 * @param {(row: Row) => string} [options.rowClass]
 * @param {(row: Row) => void} [options.onhover]
 * @returns {{element: HTMLElement, show: (rows: readonly Row[]) => void}}
 */
export function makeTable({ caption, columns, id, empty = "nothing", rowClass, onhover }) {
  /** @type {readonly Row[]} */
  let rows = [];
  let sorted = -1;
  let down = false;
  let limit = PAGE;
  /** @type {Map<string | number, HTMLTableRowElement>} */
  const drawn = new Map();
  const heads = columns.map((column, i) => {
    const head = h("th", { scope: "col", class: column.right ? "right" : "" });
    if (column.sort) put(head, h("button", { onclick: () => order(i) }, column.title));
    else put(head, column.title);
    return head;
  });
  const body = h("tbody");
  const more = h("button", { hidden: true, onclick: () => ((limit += 1000), draw()) });
  const nothing = h("p", { class: "quiet", hidden: true }, empty);
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body);
  const element = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table, nothing, more);

  /** @param {number} i */
  function order(i) {
    down = sorted === i ? !down : false;
    sorted = i;
    heads.forEach((head, k) => {
      if (k === i) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    draw();
  }

  function draw() {
    let list = rows;
    const key = columns[sorted]?.sort;
    if (key) {
      list = [...rows].sort((a, b) => compare(key(a), key(b)));
      if (down) list = [...list].reverse();
    }
    const wanted = list.slice(0, limit);
    const ids = new Set(wanted.map(id));
    for (const [key, row] of drawn)
      if (!ids.has(key)) {
        row.remove();
        drawn.delete(key);
      }
    wanted.forEach((row, i) => {
      const key = id(row);
      let line = drawn.get(key);
      if (!line) {
        line = h("tr", {}, columns.map((column, k) => h(k ? "td" : "th", { ...(k ? {} : { scope: "row" }), class: column.right ? "right" : "" })));
        drawn.set(key, line);
        if (onhover) line.addEventListener("pointerenter", () => onhover(row));
      }
      line.className = rowClass?.(row) ?? "";
      columns.forEach((column, k) => setCell(/** @type {HTMLElement} */ (line.cells[k]), column.value(row)));
      if (body.rows[i] !== line) body.insertBefore(line, body.rows[i] ?? null);
    });
    more.hidden = list.length <= limit;
    say(more, `${list.length - limit} more`);
    nothing.hidden = list.length > 0;
    table.hidden = list.length === 0;
  }

  return {
    element,
    show(next) {
      rows = next;
      draw();
    },
  };
}

/**
 * @param {HTMLElement} cell
 * @param {import("./dom.js").Child | import("./dom.js").Child[]} value
 */
function setCell(cell, value) {
  if (typeof value === "string" || typeof value === "number") return say(cell, String(value));
  const next = h("td");
  put(next, ...[value].flat());
  // A link or button that has the focus keeps it where the cell says the same as before.
  if (next.innerHTML === cell.innerHTML) return undefined;
  fill(cell, ...next.childNodes);
  return undefined;
}

/**
 * @param {string | number | null | undefined} a
 * @param {string | number | null | undefined} b
 */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return a < b ? -1 : 1;
}
