// Signing in the browser: a person's Ed25519 key from a PEM file (PKCS #8, RFC 8410), which never leaves the page.

import { seconds } from "../parts/words.js";
import { fromBase64, toHex } from "./bytes.js";

const DOMAIN = "skyhaul/signed-fact/v1\n";

/** @type {{name: string, key: CryptoKey} | null}  until the page is closed: kept nowhere */
let held = null;

/** The name of the key's file that is loaded, or an empty text. */
export const keyName = () => held?.name ?? "";

export function forgetKey() {
  held = null;
}

/**
 * Loads a private key, which no script can read out again.
 * @param {File} file
 */
export async function loadKey(file) {
  const text = await file.text();
  const body = /-----BEGIN PRIVATE KEY-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END PRIVATE KEY-----/.exec(text);
  const der = body && fromBase64(body[1].replace(/\s+/g, ""));
  if (!der) throw new Error(`${file.name} is no PEM file with a private key: \`skyhaul registry key\` writes one`);
  try {
    held = { name: file.name, key: await crypto.subtle.importKey("pkcs8", der, { name: "Ed25519" }, false, ["sign"]) };
  } catch {
    throw new Error(`${file.name} holds no Ed25519 key`);
  }
}

/**
 * The signature, in hex, over bytes that the server prepared.
 * @param {string} text  what is signed, as shown to the person
 */
export async function sign(text) {
  if (!held) throw new Error("no key is loaded");
  const bytes = new TextEncoder().encode(text);
  return toHex(new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, held.key, bytes)));
}

/** Fields that the server fills in; every other one must be what the person entered. */
const FILLED = new Set(["id", "kind", "author", "authority", "approver", "approvals_needed", "source", "valid_from"]);

/**
 * What a text to be signed says; refuses one that says other, or more, than the person asked for.
 * @param {string} text
 * @param {Record<string, unknown>} asked  fields as the person entered them
 * @returns {Record<string, unknown>}
 */
export function readSigned(text, asked) {
  if (!text.startsWith(DOMAIN)) throw new Error("what the server wants signed is no order, end or approval");
  const document = JSON.parse(text.slice(DOMAIN.length));
  for (const [name, value] of Object.entries(asked))
    if (!agrees(name, value, document[name]))
      throw new Error(`what the server wants signed says ${name} “${document[name]}”, and you asked for “${value}”`);
  for (const name of Object.keys(document))
    if (!FILLED.has(name) && !(name in asked))
      throw new Error(`what the server wants signed says ${name} “${document[name]}”, which you did not ask for`);
  return document;
}

/**
 * @param {string} name
 * @param {unknown} asked
 * @param {unknown} said
 */
function agrees(name, asked, said) {
  if (!name.startsWith("valid_")) return JSON.stringify(asked) === JSON.stringify(said);
  const [one, other] = [seconds(utc(String(asked))), seconds(String(said ?? ""))];
  return one !== null && one === other;
}

/**
 * An instant as the server reads it: without an offset it is UTC.
 * @param {string} text
 */
const utc = (text) => (/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}${/[T ]\d/.test(text) ? "" : "T00:00:00"}Z`);
