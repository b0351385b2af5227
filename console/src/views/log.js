// The log: its checkpoint, its entries, and the proof of one, verified in this browser.

import { BASE, ask, authorization } from "../live/api.js";
import { attempt, controlBar, troubleBox } from "../control/bar.js";
import { cryptoTrouble, download, fromHex } from "../control/bytes.js";
import { openCheckpoint, opensCommitment, readKey, verifyProof } from "../control/proof.js";
import { fill, h, put, say } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { enc, instant, number } from "../parts/words.js";

const KEY = "skyhaul.log-key";
const PAGE = 50;

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep, events, announce }) {
  const own = h("input", { id: "log-key", size: 60, autocomplete: "off", spellcheck: "false", placeholder: "name+id+base64, from somebody you trust" });
  own.value = localStorage.getItem(KEY) ?? "";
  const head = h("dl", { class: "facts" });
  const signed = h("p", { id: "checkpoint" });
  const note = h("pre", { tabindex: 0 });
  const trouble = troubleBox();
  const entries = makeTable({
    caption: "Entries, the last first",
    columns: [
      { title: "Entry", value: (e) => h("button", { "aria-pressed": String(e.number === chosen), onclick: () => choose(e.number) }, String(e.number)), sort: (e) => e.number, right: true },
      { title: "Record", value: (e) => e.record, sort: (e) => e.record },
      { title: "What", value: (e) => e.words, sort: (e) => e.words },
      { title: "Written", value: (e) => instant(e.at), sort: (e) => e.number },
      { title: "By", value: (e) => e.by, sort: (e) => e.by },
    ],
    id: (e) => e.number,
    rowClass: (e) => (e.number === chosen ? "chosen" : ""),
    empty: "the log is empty",
  });
  const earlier = h("button", { onclick: () => page(first - PAGE) }, "Earlier");
  const later = h("button", { onclick: () => page(first + PAGE) }, "Later");
  const fact = h("input", { id: "fact", size: 26 });
  const terminal = h("input", { id: "of-terminal", size: 16, value: query.get("terminal") ?? "" });
  const time = h("input", { id: "at-time", size: 22, placeholder: "now", value: query.get("time") ?? "" });
  const findTrouble = troubleBox();
  const found = h("p", { id: "found", "aria-live": "polite" });
  const detail = h("section", { class: "panel", id: "entry", hidden: true, "aria-label": "Entry" });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "The log"), controlBar("/log")),
      h("p", { class: "quiet" }, "Every decision that changes a terminal's state, every order and every other fact is an entry of one append-only log. What is verified here is verified by your browser, not by the server."),
      trouble,
      h("section", { class: "panel", "aria-label": "Checkpoint" }, h("h2", {}, "Checkpoint"), signed, head, h("p", {}, h("label", { for: "log-key" }, "The log's public key, as you were handed it "), own), h("details", {}, h("summary", {}, "The signed note"), note)),
      h(
        "section",
        { class: "panel", "aria-label": "Find an entry" },
        h("h2", {}, "Find an entry"),
        h(
          "form",
          { class: "row", onsubmit: (/** @type {Event} */ e) => (e.preventDefault(), find()) },
          h("label", {}, "Decision about terminal ", terminal),
          h("label", {}, "at ", time),
          h("label", {}, "or fact ", fact),
          h("button", { class: "main" }, "Find and prove"),
        ),
        findTrouble,
        found,
      ),
      detail,
      h("section", { class: "panel", "aria-label": "Entries" }, entries.element, h("div", { class: "row" }, earlier, later)),
    ),
  );

  /** @type {number | null} */
  let chosen = null;
  let first = 0;
  let size = 0;
  let serverKey = "";
  /** @type {any[]} */
  let listed = [];

  const key = () => own.value.trim() || serverKey;
  const whose = () => (own.value.trim() ? "the key you gave" : "the key that this server names: hold it against one you were handed");

  async function showCheckpoint() {
    const answer = await ask("/log", {}, { signal });
    size = answer.size;
    serverKey = answer.key;
    say(note, answer.checkpoint);
    fill(head, ...[
      ["Origin", answer.origin],
      ["Entries", number(answer.size)],
      ["Root", answer.root],
      ["Key the server names", answer.key],
    ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, h("code", {}, value))]));
    const missing = cryptoTrouble();
    if (missing) return fill(signed, h("span", { class: "problem" }, missing));
    try {
      const opened = await openCheckpoint(answer.checkpoint, await readKey(key()));
      return fill(signed, h("span", { class: "served" }, "✔ "), `The signature verifies by ${whose()}: ${number(Number(opened.size))} entries.`);
    } catch (error) {
      return fill(signed, h("span", { class: "problem" }, `✖ ${error instanceof Error ? error.message : error}`));
    }
  }

  /** @param {number} from */
  async function page(from) {
    await attempt(trouble, async () => {
      first = Math.max(0, Math.min(from, Math.max(0, size - 1)));
      const answer = await ask("/log/entries", { from: first, limit: PAGE }, { signal });
      listed = [...answer.items].reverse();
      entries.show(listed);
      earlier.disabled = first === 0;
      later.disabled = first + PAGE >= size;
    });
  }

  async function find() {
    found.textContent = "";
    await attempt(findTrouble, async () => {
      const asked = fact.value.trim() ? { fact: fact.value.trim() } : { terminal: terminal.value.trim(), time: time.value.trim() };
      const answer = await ask("/log/find", asked, { signal });
      say(found, `Entry ${answer.number}: ${answer.words}.`);
      await choose(answer.number);
    });
  }

  /** @param {number} index */
  async function choose(index) {
    chosen = index;
    keep({ entry: String(index) });
    entries.show(listed);
    detail.hidden = false;
    fill(detail, h("p", {}, `Entry ${index}: asked for.`));
    const problem = troubleBox();
    await attempt(problem, () => showEntry(index));
    if (!problem.hidden) fill(detail, problem);
  }

  /** @param {number} index */
  async function showEntry(index) {
    const [entry, proof] = await Promise.all([
      ask(`/log/entries/${index}`, {}, { signal }),
      fetch(`${BASE}/log/entries/${index}/proof`, { signal, headers: authorization() }).then((response) => {
        if (!response.ok) throw new Error(`the proof of entry ${index}: status ${response.status}`);
        return response.text();
      }),
    ]);
    const bytes = new TextEncoder().encode(entry.body);
    const content = JSON.parse(entry.body);
    const verdict = h("div", { id: "verdict", role: "status" });
    const missing = cryptoTrouble();
    let good = false;
    if (missing) fill(verdict, h("p", { class: "problem" }, missing));
    else {
      try {
        const proved = await verifyProof(proof, key(), bytes);
        good = true;
        fill(
          verdict,
          h("p", { class: "big served" }, `✔ Proved in this browser: these bytes are entry ${proved.index} of ${proved.checkpoint.size} in ${proved.checkpoint.origin}.`),
          h("ol", { class: "reasons" }, proved.steps.map((step) => h("li", {}, `${step.what}: `, h("code", {}, step.detail)))),
          h("p", { class: "quiet" }, `By ${whose()}.`),
        );
      } catch (error) {
        fill(verdict, h("p", { class: "big refused" }, `✖ Not proved: ${error instanceof Error ? error.message : error}`));
      }
    }
    announce(good ? `Entry ${index} is proved.` : `Entry ${index} is not proved.`);
    const opened = await openings(entry.openings ?? {}, content);
    fill(
      detail,
      h("h2", {}, `Entry ${index}: ${entry.words}`),
      verdict,
      h(
        "div",
        { class: "row" },
        h("button", { onclick: () => download(`entry-${index}.tlog-proof`, proof) }, "Download the proof"),
        h("button", { onclick: () => download(`entry-${index}.entry`, bytes) }, "Download the entry's bytes"),
      ),
      h("p", {}, "Without this server: ", h("code", {}, `skyhaul audit check-proof entry-${index}.tlog-proof --key '${key()}' --leaf entry-${index}.entry`)),
      h("h3", {}, "What is logged"),
      h("p", { class: "quiet" }, "Names of people, evidence and places stand in it as commitments, which say nothing without what opens them."),
      h("pre", { tabindex: 0 }, JSON.stringify(content, null, 2)),
      opened.length ? h("h3", {}, "What opens its commitments, for you") : null,
      ...opened,
      content.record === "decision" ? h("p", {}, h("a", { href: `#/terminal/${enc(content.decision.terminal)}` }, `To the terminal ${content.decision.terminal}`)) : null,
    );
  }

  /**
   * @param {Record<string, {value?: string, salt?: string, erased?: string}>} given
   * @param {any} content
   */
  async function openings(given, content) {
    const said = content[content.record];
    return Promise.all(
      Object.entries(given).map(async ([field, opening]) => {
        if (opening.erased !== undefined) return h("p", {}, `${field}: erased`);
        const committed = field.split(".").reduce((at, part) => at?.[part], said)?.commitment ?? "";
        const salt = fromHex(opening.salt ?? "");
        const holds = !cryptoTrouble() && salt !== null && (await opensCommitment(committed, salt, new TextEncoder().encode(opening.value ?? "")));
        return h(
          "details",
          {},
          h("summary", {}, `${field}: ${holds ? "✔ this is what was committed to" : "✖ this does not open the commitment"}`),
          h("pre", { tabindex: 0 }, pretty(opening.value ?? "")),
        );
      }),
    );
  }

  own.addEventListener("change", () => {
    if (own.value.trim()) localStorage.setItem(KEY, own.value.trim());
    else localStorage.removeItem(KEY);
    attempt(trouble, async () => {
      await showCheckpoint();
      if (chosen !== null) await choose(chosen);
    });
  });
  const ends = [
    events.on("slot", () => {
      const last = first + PAGE >= size;
      attempt(trouble, async () => {
        await showCheckpoint();
        if (last) await page(size - PAGE);
        else later.disabled = first + PAGE >= size;
      });
    }),
  ];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  await attempt(trouble, async () => {
    await showCheckpoint();
    await page(size - PAGE);
    if (query.get("terminal")) await find();
    else if (query.get("fact")) {
      fact.value = query.get("fact") ?? "";
      await find();
    } else if (/^\d+$/.test(query.get("entry") ?? "")) await choose(Number(query.get("entry")));
  });
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}

/** @param {string} text  JSON */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
