// Signing in the browser: a person's Ed25519 key from a PEM file (PKCS #8, RFC 8410), which never leaves the page.

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

/**
 * What a text to be signed says; refuses one that says other than the person asked for.
 * @param {string} text
 * @param {Record<string, unknown>} asked  fields as the person entered them
 * @returns {Record<string, unknown>}
 */
export function readSigned(text, asked) {
  if (!text.startsWith(DOMAIN)) throw new Error("what the server wants signed is no order, end or approval");
  const document = JSON.parse(text.slice(DOMAIN.length));
  for (const [name, value] of Object.entries(asked)) {
    if (value === undefined || value === null || value === "") continue;
    const said = document[name];
    const equal = typeof value === "object" ? JSON.stringify(said) === JSON.stringify(value) : said === value;
    if (!equal) throw new Error(`what the server wants signed says ${name} “${said}”, and you asked for “${value}”`);
  }
  return document;
}
