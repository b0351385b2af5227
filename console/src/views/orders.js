// All orders, and where each stands.

import { all } from "../live/api.js";
import { attempt, controlBar, troubleBox } from "../control/bar.js";
import { orderBadge } from "../control/orders.js";
import { h, put } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { enc, instant } from "../parts/words.js";

const STATES = ["", "to come", "pending", "in force", "ended"];

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep, events }) {
  const state = h("select", { id: "order-state" }, STATES.map((s) => h("option", { value: s }, s || "any")));
  state.value = STATES.includes(query.get("state") ?? "") ? (query.get("state") ?? "") : "";
  const trouble = troubleBox();
  const table = makeTable({
    caption: "Orders, the latest first",
    columns: [
      { title: "Order", value: (o) => h("a", { href: `#/order/${enc(o.id)}` }, o.id), sort: (o) => o.id },
      { title: "State", value: orderBadge, sort: (o) => o.words },
      { title: "Authority", value: (o) => o.authority, sort: (o) => o.authority },
      { title: "Does", value: (o) => o.does, sort: (o) => o.does },
      { title: "Counts from", value: (o) => (o.begins ? instant(o.begins) : "not before it is approved"), sort: (o) => o.begins },
      { title: "Ends", value: (o) => (o.ends ? instant(o.ends) : "until further notice"), sort: (o) => o.ends },
      { title: "Reason", value: (o) => o.reason },
      { title: "Given by", value: (o) => `${o.author}, ${instant(o.recorded_at)}`, sort: (o) => o.recorded_at },
    ],
    id: (o) => o.id,
    empty: "no order is like this",
  });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Orders"), controlBar("/orders")),
      h("div", { class: "row" }, h("label", { for: "order-state" }, "State "), state, h("a", { class: "button", href: "#/orders/draft" }, "Draft an order")),
      trouble,
      h("section", { class: "panel", "aria-label": "Orders" }, table.element),
    ),
  );
  const load = () =>
    attempt(trouble, async () => {
      keep({ state: state.value || null });
      table.show(await all("/orders", { state: state.value }, { signal }));
    });
  state.addEventListener("change", load);
  const ends = [events.on("order", load), events.on("slot", load)];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  document.addEventListener("signed", load, { signal });
  await load();
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
