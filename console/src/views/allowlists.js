// Allow-lists: who asks for a place, what a review finds, and the answer with its reason.

import { all, ask } from "../live/api.js";
import { attempt, controlBar, troubleBox } from "../control/bar.js";
import { fill, h, put, say } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, iso } from "../parts/words.js";

/** @type {Record<string, [string, string]>} */
const STATES = { applied: ["▲", "no_path"], approved: ["●", "served"], rejected: ["✖", "refused"], expired: ["○", "off"], removed: ["○", "off"] };
const YEAR_S = 365 * 86_400;

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep, clock, system, announce }) {
  const list = h("select", { id: "list" });
  const state = h("select", { id: "entry-state" }, ["", ...Object.keys(STATES)].map((s) => h("option", { value: s }, s || "any")));
  state.value = query.get("state") ?? "";
  const about = h("p", {});
  const trouble = troubleBox();
  const table = makeTable({
    caption: "Applications and listings",
    columns: [
      { title: "Terminal", value: (e) => h("button", { "aria-pressed": String(e.id === chosen), onclick: () => choose(e.id) }, e.terminal), sort: (e) => e.terminal },
      { title: "State", value: (e) => h("span", { class: STATES[e.state]?.[1] ?? "" }, `${STATES[e.state]?.[0] ?? "◆"} ${e.state}`), sort: (e) => e.state },
      { title: "Holder", value: (e) => `${e.holder}, ${e.holder_kind}${e.shown ? ", shown" : ""}`, sort: (e) => e.holder },
      { title: "Account", value: (e) => e.account || "–", sort: (e) => e.account },
      { title: "Evidence", value: (e) => e.evidence },
      { title: "To look at", value: (e) => (e.findings.length ? `! ${e.findings.map((/** @type {any} */ f) => f.matter).join(", ")}` : "nothing found"), sort: (e) => e.findings.length },
      { title: "Since", value: (e) => instant(e.since), sort: (e) => e.since },
      { title: "Why", value: (e) => e.reason || "–" },
    ],
    id: (e) => e.id,
    rowClass: (e) => (e.id === chosen ? "chosen" : ""),
    empty: "nobody asked",
  });
  const detail = h("section", { class: "panel", id: "application", hidden: true, "aria-label": "Application" });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Allow-lists"), controlBar("/allow-lists")),
      h("div", { class: "row" }, h("label", { for: "list" }, "List "), list, h("label", { for: "entry-state" }, "State "), state),
      about,
      trouble,
      detail,
      h("section", { class: "panel", "aria-label": "Entries" }, table.element),
    ),
  );
  let chosen = query.get("id") ?? "";
  /** @type {any[]} */
  let lists = [];
  /** @type {any[]} */
  let entries = [];

  async function load() {
    if (!lists.length) {
      lists = await all("/allow-lists", {}, { signal });
      fill(list, ...lists.map((l) => h("option", { value: l.name }, l.name)));
      const wanted = query.get("list");
      if (wanted && lists.some((l) => l.name === wanted)) list.value = wanted;
    }
    const found = lists.find((l) => l.name === list.value);
    if (!found) {
      say(about, "No allow-list is on record.");
      return table.show([]);
    }
    const quotas = Object.entries(found.quotas).map(([kind, most]) => `${kind} ${most ?? "any number"}`);
    say(about, `${found.authority}, over ${found.area}: ${found.in_force ? "in force, only what is listed is served there" : "not in force"}. Terminals a holder may have: ${quotas.join(", ")}.`);
    keep({ list: found.name, state: state.value || null, id: chosen || null });
    entries = await all(`/allow-lists/${enc(found.name)}/applications`, { state: state.value }, { signal });
    table.show(entries);
    const again = entries.find((e) => e.id === chosen);
    if (again) showDetail(again);
    else detail.hidden = true;
    return undefined;
  }

  /** @param {string} id */
  function choose(id) {
    chosen = id;
    keep({ id });
    table.show(entries);
    const entry = entries.find((e) => e.id === id);
    if (entry) showDetail(entry);
  }

  /** @param {any} entry */
  function showDetail(entry) {
    detail.hidden = false;
    const to = h("input", { id: "grant-to", size: 22, value: iso(clock.now() + YEAR_S).slice(0, 11) + "00:00:00Z" });
    const despite = h("input", { id: "grant-despite", size: 40 });
    const reason = h("input", { id: "refuse-reason", size: 40 });
    const problem = troubleBox();
    const at = `/allow-lists/${enc(entry.allow_list)}/applications/${enc(entry.id)}`;
    const grant = h("button", { class: "main" }, "Approve");
    const refuse = h("button", {}, entry.state === "applied" ? "Reject" : "Take off the list");
    /**
     * @param {string} verb
     * @param {Record<string, string>} body
     * @param {string} said
     */
    const answer = (verb, body, said) =>
      attempt(
        problem,
        async () => {
          await ask(`${at}/${verb}`, {}, { method: "POST", body, signal });
          lists = [];
          await load();
          announce(said);
        },
        [grant, refuse],
      );
    const rights = system.latest?.person ? `You answer as ${system.latest.person}.` : "Sign in as somebody of the list's authority to answer.";
    fill(
      detail,
      h("h2", {}, `${entry.terminal} for ${entry.holder}: ${entry.state}`),
      h(
        "dl",
        { class: "facts" },
        ...[
          ["Application", entry.id],
          ["Kit number", entry.kit_number || "–"],
          ["Account", entry.account || "–"],
          ["As", `${entry.holder_kind}${entry.shown ? ", the terminal was shown" : ", the terminal was not shown"}`],
          ["Evidence", entry.evidence],
          ["Sponsor", entry.sponsor || "–"],
          ["Recorded by", entry.recorded_by],
          ["Approved", entry.approved_by ? `by ${entry.approved_by}, ${instant(entry.valid_from)} to ${entry.valid_to ? instant(entry.valid_to) : "further notice"}` : "no"],
          ["Why", entry.reason || "–"],
        ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
      h("h3", {}, entry.findings.length ? "To look at: facts, not verdicts" : "The review found nothing to look at"),
      h("ul", { id: "findings" }, entry.findings.map((/** @type {any} */ f) => h("li", {}, h("code", {}, f.matter), `: ${f.text}`))),
      problem,
      entry.state === "applied"
        ? h(
            "form",
            {
              class: "row",
              onsubmit: (/** @type {Event} */ e) => {
                e.preventDefault();
                answer("approve", { valid_to: to.value.trim(), despite: despite.value.trim() }, `${entry.terminal} is on the list`);
              },
            },
            h("label", {}, "Approve until ", to),
            entry.findings.length ? h("label", {}, "despite what was found, because ", despite) : null,
            grant,
          )
        : null,
      entry.state === "applied" || entry.state === "approved"
        ? h(
            "form",
            {
              class: "row",
              onsubmit: (/** @type {Event} */ e) => {
                e.preventDefault();
                answer(entry.state === "applied" ? "reject" : "remove", { reason: reason.value.trim() }, `${entry.terminal}: answered`);
              },
            },
            h("label", {}, "Reason ", reason),
            refuse,
          )
        : null,
      h("p", { class: "quiet" }, rights),
    );
  }

  const again = () => attempt(trouble, async () => load());
  list.addEventListener("change", again);
  state.addEventListener("change", again);
  document.addEventListener("signed", again, { signal });
  await again();
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
