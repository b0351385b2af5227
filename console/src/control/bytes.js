// Bytes: base64, hex, SHA-256 and Ed25519 of the browser's own cryptography.

/** Why the browser cannot sign or verify, or an empty text. */
export function cryptoTrouble() {
  if (globalThis.crypto?.subtle) return "";
  return "This browser gives cryptography to pages of this machine or over TLS only: open the console as http://localhost or over https.";
}

/**
 * Bytes of base64; null where it is none (padding is asked for, RFC 4648 section 4).
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromBase64(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const binary = atob(text);
  const bytes = Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null; // one text for one value
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @param {Uint8Array} bytes */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromHex(text) {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/**
 * @param {...Uint8Array} parts
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
}

/**
 * @param {...Uint8Array} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * Whether an Ed25519 signature verifies (RFC 8032).
 * @param {Uint8Array<ArrayBuffer>} publicKey  32 bytes
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} text
 */
export async function verifies(publicKey, signature, text) {
  const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, true, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, text);
}

/**
 * Hands the reader a file.
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer> | string} content
 */
export function download(name, content) {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
