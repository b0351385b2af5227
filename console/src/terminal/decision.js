// The decision of service control, with every reason and the facts it rests on.

import { fill, h } from "../parts/dom.js";
import { enc, instant, plain, rate } from "../parts/words.js";

/** @type {Record<string, [string, string]>} */
const EFFECTS = {
  permits: ["✔", "served"],
  forbids: ["✖", "refused"],
  refuses: ["✖", "refused"],
  cites: ["•", "off"],
  caps: ["≤", "no_path"],
};
/** @type {Record<string, [string, string]>} */
const OUTCOMES = { permitted: ["✔", "served"], refused: ["✖", "refused"], undecided: ["?", "no_path"] };

/**
 * @param {HTMLElement} element
 * @param {any} answer  what GET /terminals/{id}/decision answers; `asked`: it was only asked about, and is in no log
 */
export function showDecision(element, answer) {
  const decision = answer.decision;
  if (!decision) {
    fill(element, h("p", {}, answer.words));
    return;
  }
  const [sign, look] = OUTCOMES[decision.outcome] ?? ["•", "off"];
  const refusing = decision.reasons.filter((/** @type {any} */ r) => EFFECTS[r.effect]?.[1] === "refused" && !r.lifted_by);
  const grant = decision.grant;
  fill(
    element,
    h("p", { class: `big ${look}` }, `${sign} ${decision.outcome}: ${plain(decision.code_name)} (code ${decision.code})`),
    refusing.length
      ? h("p", { id: "refused-because" }, `Because ${refusing.map((/** @type {any} */ r) => r.text).join("; ")}.`)
      : null,
    grant ? h("p", {}, `Permission until ${instant(grant.ends)}${grant.probation ? ", on probation" : ""}${grant.rate_bps ? `, at most ${rate(grant.rate_bps)}` : ""}.`) : null,
    h("p", { class: "quiet" }, `At ${instant(decision.time)}, as known at ${instant(decision.known_at)}, cell ${decision.cell || "unknown"}.${decision.holds_until ? ` Nothing that bears on it changes before ${instant(decision.holds_until)}.` : ""}`),
    answer.asked ? null : h("p", {}, h("a", { href: `#/log?terminal=${enc(decision.terminal)}&time=${enc(decision.time)}` }, "Prove it: the entry in the log that put it in this state")),
    h("h3", {}, "Every reason, in order of precedence"),
    h("ol", { class: "reasons" }, decision.reasons.map(reasonItem)),
    answer.explanation ? h("details", {}, h("summary", {}, "In plain text"), h("pre", { tabindex: 0 }, answer.explanation)) : null,
  );
}

/** @param {any} reason */
function reasonItem(reason) {
  const [sign, look] = EFFECTS[reason.effect] ?? ["•", "off"];
  return h(
    "li",
    {},
    h("div", {}, h("span", { class: look }, `${sign} ${reason.effect}`), " ", h("code", {}, reason.rule), reason.lifted_by ? ` lifted by ${reason.lifted_by}` : null),
    h("div", {}, reason.text, reason.authority ? h("span", { class: "quiet" }, ` (${reason.authority})`) : null),
    reason.facts.length
      ? h(
          "details",
          {},
          h("summary", {}, reason.facts.length === 1 ? "1 fact" : `${reason.facts.length} facts`),
          h("ul", {}, reason.facts.map(factItem)),
        )
      : null,
  );
}

/** @param {any} fact */
function factItem(fact) {
  const end = fact.valid_to ? `to ${instant(fact.valid_to)}` : "until further notice";
  return h("li", {}, `${fact.kind} ${fact.id}: from ${instant(fact.valid_from)} ${end}, recorded ${instant(fact.recorded_at)} by ${fact.author}; ${fact.source}`);
}
