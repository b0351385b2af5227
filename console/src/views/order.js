// One order: what it says, who signed and approved it, what it touches, and how it ends.

import { ask } from "../live/api.js";
import { attempt, controlBar, troubleBox } from "../control/bar.js";
import { orderBadge } from "../control/orders.js";
import { makeSignPanel } from "../control/signpanel.js";
import { fill, h, put } from "../parts/dom.js";
import { stateBadge } from "../parts/listings.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, number } from "../parts/words.js";

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { params, signal, events, system, announce }) {
  const at = `/orders/${enc(params.id)}`;
  const badge = h("span", { id: "order-badge", class: "big" });
  const facts = h("dl", { class: "facts" });
  const trouble = troubleBox();
  const heard = h("p", { class: "quiet" });
  const signatures = makeTable({
    caption: "Everything that was signed",
    columns: [
      { title: "What", value: (s) => s.what },
      { title: "By", value: (s) => s.person, sort: (s) => s.person },
      { title: "Holds from", value: (s) => instant(s.valid_from), sort: (s) => s.valid_from },
      { title: "Recorded", value: (s) => instant(s.recorded_at), sort: (s) => s.recorded_at },
      { title: "Signature", value: (s) => (s.verifies === null ? "– none" : s.verifies ? h("span", { class: "served" }, "✔ verifies") : h("span", { class: "refused" }, "✖ does not verify")) },
      { title: "Reason", value: (s) => s.reason || "–" },
      { title: "In the log", value: (s) => (s.leaf === null ? "–" : h("a", { href: `#/log?fact=${enc(s.fact)}` }, `prove entry ${s.leaf}`)) },
    ],
    id: (s) => s.fact,
  });
  const touched = makeTable({
    caption: "Terminals that it touches, as registered, and how each is now",
    columns: [
      { title: "Terminal", value: (t) => h("a", { href: `#/terminal/${enc(t.id)}` }, t.id), sort: (t) => t.id },
      { title: "Now", value: (t) => (t.state ? stateBadge(t.state) : "does not run here"), sort: (t) => t.state },
      { title: "Why", value: (t) => t.words || "–" },
    ],
    id: (t) => t.id,
    empty: "none",
  });
  const reason = h("input", { id: "end-reason", size: 46 });
  const done = async (/** @type {string} */ text) => {
    announce(text);
    approve.clear();
    finish.clear();
    await load();
  };
  const approve = makeSignPanel({
    name: "approval",
    prepare: "Approve this order",
    record: "Sign and record the approval",
    begin: () => ({ asked: { kind: "Approval", order: params.id }, draft: () => ask(`${at}/approvals/draft`, {}, { method: "POST", body: {}, signal }) }),
    submit: async (signed) => {
      await ask(`${at}/approvals`, {}, { method: "POST", body: signed, signal });
      await done("The approval is recorded.");
    },
  });
  const finish = makeSignPanel({
    name: "end",
    prepare: "End this order",
    record: "Sign and record the end",
    begin: () => {
      const text = reason.value.trim();
      if (!text) {
        reason.focus();
        throw new Error("an end needs a reason");
      }
      const body = { reason: text };
      return { asked: { kind: "OrderEnd", order: params.id, ...body }, draft: () => ask(`${at}/end/draft`, {}, { method: "POST", body, signal }) };
    },
    submit: async (signed) => {
      await ask(`${at}/end`, {}, { method: "POST", body: signed, signal });
      await done("The end is recorded.");
    },
  });
  const approving = h("section", { class: "panel", id: "approve", hidden: true, "aria-label": "Approval" }, h("h2", {}, "Second approval"), approve.element);
  const ending = h("section", { class: "panel", id: "finish", hidden: true, "aria-label": "End" }, h("h2", {}, "End it"), h("p", {}, h("label", {}, "Reason ", reason)), finish.element);
  const endings = h("div", { class: "stack", id: "ends" });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, params.id), badge, controlBar("/orders")),
      trouble,
      h("section", { class: "panel", "aria-label": "Order" }, facts, heard),
      approving,
      endings,
      h("section", { class: "panel", "aria-label": "Signatures" }, signatures.element),
      h("section", { class: "panel", "aria-label": "Terminals" }, touched.element),
      ending,
    ),
  );

  /** @type {Map<string, ReturnType<typeof makeSignPanel>>} */
  const endPanels = new Map();

  async function load() {
    const order = await ask(at, {}, { signal });
    fill(badge, orderBadge(order));
    fill(
      facts,
      ...[
        ["Orders", order.does],
        ["In the name of", order.authority],
        ["Reason", order.reason],
        ["Legal basis", order.legal_basis],
        ["Source", order.source],
        ["Given", `by ${order.author}, recorded ${instant(order.recorded_at)}`],
        ["Approvals", order.approvals_needed ? `${order.approved_by.length} of ${order.approvals_needed}${order.approved_by.length ? `: ${order.approved_by.join(", ")}` : ""}` : "none needed"],
        ["Counts", order.begins ? `from ${instant(order.begins)} ${order.ends ? `to ${instant(order.ends)}` : "until further notice"}` : "not before it is approved"],
        ["Touches", `${number(order.terminal_count)} terminals as registered`],
      ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    );
    heard.textContent = order.state === "in force" ? "The network takes it up in a plan before two slots (30 s) are over." : "";
    signatures.show(order.signatures);
    const person = system.latest?.person ?? "";
    approving.hidden = order.state !== "pending";
    ending.hidden = order.state === "ended" || order.signatures.some((/** @type {any} */ s) => s.what === "ended");
    showEnds(order, person);
    const now = await Promise.all(
      order.terminals.slice(0, 50).map(async (/** @type {string} */ id) => {
        const found = await ask("/terminals", { q: id, limit: 20 }, { signal });
        return found.items.find((/** @type {any} */ t) => t.unit === id || t.id === id) ?? { id };
      }),
    );
    touched.show(now);
  }

  /**
   * Ends that wait for somebody's approval.
   * @param {any} order
   * @param {string} person
   */
  function showEnds(order, person) {
    const ends = order.signatures.filter((/** @type {any} */ s) => s.what === "ended" && s.approvals_needed > 0);
    const approved = order.signatures.filter((/** @type {any} */ s) => s.what === "end approved").length;
    for (const end of ends) {
      if (order.state === "ended" || approved >= end.approvals_needed) {
        endings.replaceChildren();
        return;
      }
      if (endPanels.has(end.fact)) continue;
      const panel = makeSignPanel({
        name: "end-approval",
        prepare: "Approve the end",
        record: "Sign and record the approval of the end",
        begin: () => ({ asked: { kind: "Approval", order: end.fact }, draft: () => ask(`/orders/${enc(end.fact)}/approvals/draft`, {}, { method: "POST", body: {}, signal }) }),
        submit: async (signed) => {
          await ask(`/orders/${enc(end.fact)}/approvals`, {}, { method: "POST", body: signed, signal });
          endings.replaceChildren();
          await done("The approval of the end is recorded.");
        },
      });
      endPanels.set(end.fact, panel);
      endings.append(
        h("section", { class: "panel", "aria-label": "Approval of the end" }, h("h2", {}, `An end waits for ${end.approvals_needed} approval${end.approvals_needed > 1 ? "s" : ""}`), h("p", {}, `Given by ${end.person}: ${end.reason}${person === end.person ? ". Another person approves it." : ""}`), panel.element),
      );
    }
  }

  const again = () => attempt(trouble, load);
  const ends = [events.on("order", again), events.on("slot", again), events.on("decision", again)];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  document.addEventListener("signed", again, { signal });
  await load();
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
