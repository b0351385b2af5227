// One terminal: its state in words, what carried it, what could have, what comes next, and who decided.

import { Problem, ask } from "../live/api.js";
import { fill, h, say } from "../parts/dom.js";
import { nameOf, stateBadge } from "../parts/listings.js";
import { makeTable } from "../parts/table.js";
import { bytes, clock as clockTime, enc, instant, iso, seconds, stateWords } from "../parts/words.js";
import { showDecision } from "../terminal/decision.js";
import { makeNextHandover, makeTimeline } from "../terminal/handovers.js";
import { sentence, showFacts } from "../terminal/now.js";
import { makeObstructionMap } from "../terminal/obstruction.js";
import { makePlots, readHistory } from "../terminal/plots.js";
import { makeSkyPlot } from "../terminal/skyplot.js";

const SPAN_S = 900;
const STATE_MS = 1000;
const HISTORY_MS = 3000;
const SKIES = 61; // slots of 15 minutes: the server keeps plans of a few, the page what it has shown

/**
 * A panel with a heading, and a place for why it is empty.
 * @param {string} title
 * @param {string} id
 * @param {...(Node)} content
 */
function panel(title, id, ...content) {
  const trouble = h("p", { class: "quiet", hidden: true });
  const element = h("section", { class: "panel", id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), trouble, ...content);
  return {
    element,
    /** @param {string} text  empty: nothing is wrong */
    trouble(text) {
      trouble.hidden = !text;
      say(trouble, text);
      for (const node of content) /** @type {HTMLElement} */ (node).hidden = Boolean(text);
    },
  };
}

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, context) {
  const { params, query, signal, events, keep, announce } = context;
  const at = `/terminals/${enc(params.id)}`;
  const get = (/** @type {string} */ tail, /** @type {any} */ search = {}) => ask(`${at}${tail}`, search, { signal });

  const title = h("h1", {}, params.id);
  const badge = h("span", {});
  const words = h("p", { class: "big", id: "sentence" });
  const facts = h("dl", { class: "facts" });
  const decision = h("div", {});
  const next = makeNextHandover(context.clock, signal);
  const plots = makePlots(signal);
  const timeline = makeTimeline(signal, scrub);
  const sky = makeSkyPlot(signal);
  const map = makeObstructionMap(signal);
  const custody = makeTable({
    caption: "Who had the unit, first to last",
    columns: [
      { title: "Time", value: (c) => instant(c.time), sort: (c) => c.time },
      { title: "Step", value: (c) => c.step ?? "–" },
      { title: "From", value: (c) => c.giver || "–" },
      { title: "To", value: (c) => c.receiver || c.holder || "–" },
      { title: "What is known", value: (c) => c.words || "–" },
      { title: "Source", value: (c) => c.source ?? "–" },
    ],
    id: (c) => c.id,
    empty: "no custody is on record",
  });
  const sessions = makeTable({
    caption: "Sessions, latest first",
    columns: [
      { title: "From", value: (s) => instant(s.start), sort: (s) => s.start },
      { title: "To", value: (s) => `${s.goes_on ? "goes on" : clockTime(s.end)}${s.before_gap ? "; then a gap, the system did not run" : ""}`, sort: (s) => s.end },
      { title: "Satellite", value: (s) => nameOf(s.satellite) },
      { title: "Gateway", value: (s) => nameOf(s.gateway) },
      { title: "PoP", value: (s) => nameOf(s.pop) },
      { title: "Received", value: (s) => bytes(s.received_bytes), right: true },
      { title: "Why", value: (s) => s.words },
    ],
    id: (s) => s.start,
    empty: "none yet",
  });
  const state = panel("State", "state", words, facts);
  const decided = panel("May it be served?", "decision", decision);
  const comes = panel("Next handover", "next", next.element);
  const history = panel("Last 15 minutes", "history", plots.element);
  const handovers = panel("Handovers", "handovers", timeline.element);
  const skies = panel("Sky", "sky", sky.element);
  const chain = panel("Custody", "custody", custody.element);
  // 15,000 pixels of the dish itself: asked for when somebody wants to see them.
  const mapped = h("details", {}, h("summary", {}, "Ask the dish"), map.element);
  const painted = panel("Obstruction map", "obstructions", mapped);
  const past = panel("Sessions", "sessions", sessions.element);
  fill(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, title, badge, h("a", { href: `#/?terminal=${enc(params.id)}` }, "On the globe")),
      h("div", { class: "columns" }, h("div", { class: "stack" }, state.element, comes.element), decided.element),
      handovers.element,
      history.element,
      skies.element,
      chain.element,
      painted.element,
      past.element,
    ),
  );

  /** @type {number | null} */
  let then = seconds(query.get("t"));
  let lastState = "";
  /** @type {Map<number, any>} */
  const skiesSeen = new Map();

  /**
   * Fills a panel, or says why it cannot.
   * @param {ReturnType<typeof panel>} where
   * @param {() => Promise<void>} what
   */
  async function show(where, what) {
    try {
      await what();
      where.trouble("");
    } catch (error) {
      if (signal.aborted) return;
      // The server gone is the banner's to say; what is known stays.
      if (error instanceof Problem) where.trouble(error.message);
    }
  }

  async function showNow() {
    const terminal = await get("");
    say(title, terminal.name ?? terminal.id);
    fill(badge, stateBadge(terminal.state));
    say(words, sentence(terminal));
    showFacts(facts, terminal);
    const heard = `${stateWords(terminal.state).word}`;
    if (lastState && heard !== lastState) announce(sentence(terminal));
    lastState = heard;
  }

  const showHistory = () =>
    show(history, async () => {
      const read = readHistory(await get("/history", { seconds: SPAN_S }));
      plots.show(read);
      timeline.showHistory(read);
    });

  const showHandovers = () =>
    show(handovers, async () => {
      const now = context.clock.now();
      const found = await get("/handovers", { from: iso(now - SPAN_S), to: iso(now), limit: 100 });
      timeline.showHandovers(found.items);
    });

  const showThen = () => {
    const slot = then === null ? null : Math.floor((then - 12) / 15 + 1e-6);
    say(/** @type {Element} */ (skies.element.querySelector("h2")), then === null ? "Sky now: candidates, and why each was or was not chosen" : `Sky at ${clockTime(then)}: candidates, and why each was or was not chosen`);
    return Promise.all([
      show(skies, async () => {
        const answer = (slot !== null && skiesSeen.get(slot)) || (await get("/candidates", { slot }));
        skiesSeen.set(answer.slot, answer);
        if (skiesSeen.size > SKIES) skiesSeen.delete(Math.min(...skiesSeen.keys()));
        sky.show(answer);
      }),
      show(decided, async () => showDecision(decision, await get("/decision", { time: then === null ? null : iso(then) }))),
    ]);
  };

  const showMap = () => show(painted, async () => map.show(await get("/obstruction-map")));
  mapped.addEventListener("toggle", () => mapped.open && showMap());

  /** @param {number | null} time */
  function scrub(time) {
    then = time;
    keep({ t: time === null ? null : iso(time) });
    plots.cursor(time);
    showThen();
  }

  const showSlot = () =>
    Promise.all([
      show(comes, async () => next.show(await get("/next-handover"))),
      showHandovers(),
      then === null ? showThen() : get("/candidates").then((answer) => skiesSeen.set(answer.slot, answer)).catch(() => {}),
      show(past, async () => {
        const found = await get("/sessions");
        sessions.show([...found.items].sort((a, b) => ((seconds(b.start) ?? 0) - (seconds(a.start) ?? 0))));
      }),
      mapped.open ? showMap() : undefined,
    ]);

  await showNow();
  /** @param {() => Promise<unknown>} what @param {number} every */
  const repeat = (what, every) => {
    const timer = setInterval(() => document.hidden || what().catch(() => {}), every);
    return () => clearInterval(timer);
  };
  const ends = [
    repeat(showNow, STATE_MS),
    repeat(async () => (then === null ? showHistory() : undefined), HISTORY_MS),
    events.on("slot", showSlot),
    events.on("decision", showThen),
    events.on("up", showSlot),
  ];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  await showHistory();
  if (then !== null) timeline.choose(then);
  await Promise.all([
    showSlot(),
    then === null ? undefined : showThen(),
    show(chain, async () => {
      const found = await get("/custody");
      custody.show(found.items);
    }),
  ]);
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}

