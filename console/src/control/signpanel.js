// The way of everything that is signed: prepare, read the very text, sign it, have it recorded.

import { fill, h } from "../parts/dom.js";
import { number } from "../parts/words.js";
import { attempt, troubleBox } from "./bar.js";
import { cryptoTrouble } from "./bytes.js";
import { forgetKey, keyName, loadKey, readSigned, sign } from "./signing.js";

/**
 * @param {object} options
 * @param {string} options.name  of the panel's fields, once a page
 * @param {string} options.prepare  what the first button says
 * @param {string} options.record  what the last button says
 * @param {() => {asked: Record<string, unknown>, draft: () => Promise<any>}} options.begin
 *   reads the form: fields that the signed text must say, and what asks the server for the draft
 * @param {(signed: {document: any, signature: string}) => Promise<void>} options.submit
 */
export function makeSignPanel({ name, prepare, record, begin, submit }) {
  const trouble = troubleBox();
  const body = h("div", { id: `${name}-draft` });
  const first = h("button", { class: "main", type: "button", onclick: () => attempt(trouble, start, [first]) }, prepare);
  const element = h("div", { class: "stack" }, h("div", { class: "row" }, first), trouble, body);

  async function start() {
    fill(body);
    const { asked, draft } = begin();
    const prepared = await draft();
    readSigned(prepared.text, asked);
    show(prepared);
  }

  /** @param {any} prepared  a draft as the server answers it */
  function show(prepared) {
    const server = h("input", { type: "radio", name: `${name}-by`, id: `${name}-server`, value: "server" });
    const own = h("input", { type: "radio", name: `${name}-by`, id: `${name}-own`, value: "own" });
    const file = h("input", { type: "file", id: `${name}-key`, accept: ".pem" });
    const loaded = h("span", { class: "quiet", "aria-live": "polite" }, keyName() ? `loaded: ${keyName()}` : "");
    const problem = troubleBox();
    own.checked = !prepared.server_signs;
    server.checked = Boolean(prepared.server_signs);
    file.addEventListener("change", () => {
      own.checked = true;
      const chosen = file.files?.[0];
      if (chosen) attempt(problem, async () => {
        forgetKey();
        loaded.textContent = "";
        await loadKey(chosen);
        loaded.textContent = `loaded: ${keyName()}`;
      });
    });
    const last = h(
      "button",
      {
        class: "main",
        type: "button",
        id: `${name}-record`,
        onclick: () =>
          attempt(
            problem,
            async () => {
              const signature = own.checked ? await sign(prepared.text) : "";
              await submit({ document: prepared.document, signature });
            },
            [last],
          ),
      },
      record,
    );
    const count = prepared.terminal_count;
    const needed = prepared.approvals_needed;
    const missing = cryptoTrouble();
    fill(
      body,
      h("p", { class: "big", id: `${name}-touches` }, `It touches ${number(count)} terminal${count === 1 ? "" : "s"} as registered.${needed ? ` It counts once ${needed} other ${needed > 1 ? "people" : "person"} of the same authority approved it.` : ""}`),
      count ? h("details", { open: count <= 12 }, h("summary", {}, "Which"), h("p", {}, prepared.terminals.flatMap((/** @type {string} */ t) => [h("a", { href: `#/terminal/${encodeURIComponent(t)}` }, t), " "]), count > prepared.terminals.length ? `and ${number(count - prepared.terminals.length)} more` : null)) : null,
      prepared.refused ? h("p", { class: "problem", role: "alert" }, `It would not be recorded: ${prepared.refused}`) : null,
      h("h3", {}, "What is signed: this text, to the letter"),
      h("pre", { tabindex: 0, id: `${name}-text` }, prepared.text),
      h(
        "fieldset",
        {},
        h("legend", {}, "Who signs it"),
        prepared.server_signs
          ? h("p", {}, server, " ", h("label", { for: `${name}-server` }, "The server, with the key it made for you: you are a person of a demonstration, who does not exist"))
          : null,
        h("p", {}, own, " ", h("label", { for: `${name}-own` }, "This browser, with your own key"), ` (PEM, as \`skyhaul registry key\` writes it; it is not sent anywhere and forgotten with the page)`),
        h("p", { class: "row" }, h("label", { for: `${name}-key` }, "Key file "), file, loaded),
        missing ? h("p", { class: "problem" }, missing) : null,
      ),
      problem,
      h("div", { class: "row" }, last),
    );
    body.scrollIntoView({ block: "nearest" });
  }

  return { element, clear: () => fill(body) };
}
