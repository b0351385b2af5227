// Proofs of the tamper-evident log, verified in the browser: the entry's hash, the path to the root (RFC 9162 section
// 2.1.3.2), and the log's signature under the root (C2SP signed-note, tlog-checkpoint and tlog-proof).

import { fromBase64, join, same, sha256, toHex, verifies } from "./bytes.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const HASH_SIZE = 32;
const PATH_MAX = 63; // levels of a tree of up to 2**63 leaves
const LOG_KEY = 1; // signed-note, "Signature types": Ed25519

/** What does not prove what it should. */
export class ProofError extends Error {}

/**
 * @typedef {{name: string, id: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>}} VerifierKey
 * @typedef {{index: bigint, path: Uint8Array<ArrayBuffer>[], note: string}} Proof
 * @typedef {{origin: string, size: bigint, root: Uint8Array<ArrayBuffer>, text: string}} Checkpoint
 * @typedef {{what: string, detail: string}} Step
 */

/**
 * The public key of a log, written `name+id+base64`; its id must be that of its name and bytes.
 * @param {string} text
 * @returns {Promise<VerifierKey>}
 */
export async function readKey(text) {
  const [name, id, ...rest] = text.trim().split("+");
  const typed = fromBase64(rest.join("+"));
  if (!name || /\s/.test(name) || !/^[0-9a-f]{8}$/.test(id ?? "") || typed?.length !== 33)
    throw new ProofError("no public key of a log: it is written name+id+base64");
  if (typed[0] !== LOG_KEY) throw new ProofError("a key of another kind than a log's");
  const digest = await sha256(new TextEncoder().encode(`${name}\n`), typed);
  const own = digest.slice(0, 4);
  if (toHex(own) !== id) throw new ProofError("the id of this key is not that of its name and bytes");
  return { name, id: own, bytes: typed.slice(1) };
}

/**
 * A tlog-proof's parts, nothing verified yet.
 * @param {string} text
 * @returns {Proof}
 */
export function readProof(text) {
  const cut = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(cut, 0)).split("\n");
  if (cut < 0 || lines.shift() !== HEADER) throw new ProofError(`not a tlog-proof: it begins with ${HEADER}`);
  if (lines[0]?.startsWith("extra ")) lines.shift(); // not authenticated, and not looked at
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "");
  if (!index) throw new ProofError("a tlog-proof without the index of its entry");
  const path = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_SIZE) throw new ProofError("a tlog-proof with a line that is not a hash");
    return hash;
  });
  if (path.length > PATH_MAX) throw new ProofError("a tlog-proof with more hashes than a tree has levels");
  return { index: BigInt(index[1]), path, note: text.slice(cut + 2) };
}

/**
 * The checkpoint in a signed note, if the log's key signed it.
 * @param {string} note
 * @param {VerifierKey} key
 * @returns {Promise<Checkpoint>}
 */
export async function openCheckpoint(note, key) {
  const cut = note.lastIndexOf("\n\n");
  const signatures = note.slice(cut + 2).split("\n");
  if (cut < 0 || signatures.pop() !== "" || !signatures.length) throw new ProofError("a checkpoint without signatures");
  const text = note.slice(0, cut + 1);
  let signed = false;
  for (const line of signatures) {
    const parts = /^\u2014 (\S+) (\S+)$/.exec(line);
    const data = parts && fromBase64(parts[2]);
    if (!data || data.length <= 4) throw new ProofError("a malformed signature line under the checkpoint");
    if (parts[1] !== key.name || !same(data.slice(0, 4), key.id)) continue; // of somebody else: a witness
    if (!(await verifies(key.bytes, data.slice(4), new TextEncoder().encode(text))))
      throw new ProofError("the log's signature under the checkpoint does not verify");
    signed = true;
  }
  if (!signed) throw new ProofError(`the checkpoint is not signed by ${key.name}+${toHex(key.id)}: is it another log's key?`);
  const [origin, size, root] = text.split("\n");
  const hash = fromBase64(root ?? "");
  if (!/^(0|[1-9][0-9]{0,18})$/.test(size ?? "") || hash?.length !== HASH_SIZE) throw new ProofError("a malformed checkpoint");
  if (origin !== key.name) throw new ProofError(`the checkpoint is of ${origin}, the key of ${key.name}`);
  return { origin, size: BigInt(size), root: hash, text };
}

/**
 * Hash of an entry as a leaf: SHA-256(0x00 ‖ entry).
 * @param {Uint8Array} entry
 */
export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);

/**
 * The root that a path leads to from a leaf (RFC 9162 section 2.1.3.2).
 * @param {bigint} index
 * @param {bigint} size
 * @param {Uint8Array<ArrayBuffer>} leaf  its hash
 * @param {Uint8Array<ArrayBuffer>[]} path
 */
export async function rootFrom(index, size, leaf, path) {
  if (index >= size) throw new ProofError(`no entry ${index} in a log of ${size}`);
  let place = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0n) throw new ProofError("the path has more hashes than the tree has levels");
    if (place & 1n || place === last) {
      hash = await sha256(Uint8Array.of(1), sibling, hash);
      while (!(place & 1n) && place !== 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else hash = await sha256(Uint8Array.of(1), hash, sibling);
    place >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new ProofError("the path ends before the root");
  return hash;
}

/**
 * Verifies that an entry is in a log; every step that held is told. Rejects with ProofError at the first that does not.
 * @param {string} proofText  a tlog-proof
 * @param {string} keyText  the log's public key
 * @param {Uint8Array<ArrayBuffer>} entry  the entry's bytes
 * @returns {Promise<{index: bigint, checkpoint: Checkpoint, steps: Step[]}>}
 */
export async function verifyProof(proofText, keyText, entry) {
  const key = await readKey(keyText);
  const proof = readProof(proofText);
  const checkpoint = await openCheckpoint(proof.note, key);
  const leaf = await leafHash(entry);
  const root = await rootFrom(proof.index, checkpoint.size, leaf, proof.path);
  if (!same(root, checkpoint.root)) throw new ProofError("the entry and its path do not lead to the root that the log signed");
  return {
    index: proof.index,
    checkpoint,
    steps: [
      { what: "The log signed the checkpoint", detail: `Ed25519 key ${key.name}+${toHex(key.id)} over ${checkpoint.size} entries` },
      { what: "The entry's bytes have this hash", detail: toHex(leaf) },
      { what: `${proof.path.length} hashes lead from it to the root`, detail: toHex(root) },
      { what: "That is the root in the checkpoint", detail: `entry ${proof.index} of ${checkpoint.size} in ${checkpoint.origin}` },
    ],
  };
}

/**
 * Whether a value and salt are what a commitment in an entry stands for: SHA-256 of a fixed prefix, salt and value.
 * @param {string} commitment  hex
 * @param {Uint8Array} salt
 * @param {Uint8Array} value
 */
export async function opensCommitment(commitment, salt, value) {
  const prefix = new TextEncoder().encode("skyhaul commitment v1\n");
  return salt.length === HASH_SIZE && toHex(await sha256(join(prefix, salt, value))) === commitment;
}
