// The transparency log as whoever has only a root checks it: RFC 6962 proofs with SHA-256, and C2SP signed notes.
import { concat, ed25519, sha256, stringToBytes, toHex } from "./vendor/viem.js";

/** Whether a leaf is entry `number` of a log of `size` below `root` (RFC 9162, 2.1.3.2). */
export function leadsTo(root, { number, size, leaf, path }) {
  let [at, last] = [BigInt(number), BigInt(size) - 1n];
  if (at > last) return false;
  let hash = sha256(concat(["0x00", toHex(stringToBytes(leaf))]));
  for (const beside of path) {
    if (last === 0n) return false;
    if (at & 1n || at === last) {
      hash = sha256(concat(["0x01", beside, hash]));
      while (!(at & 1n) && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      hash = sha256(concat(["0x01", hash, beside]));
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && hash === root;
}

/** What a checkpoint says, `{origin, size, root}`, where the key of `verifier` signed it; null otherwise. */
export function opened({ note, verifier }) {
  try {
    const [, name, id, key] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifier);
    const [algorithm, ...point] = bytesOf(key);
    const named = concat([toHex(stringToBytes(`${name}\n`)), toHex(bytesOf(key))]);
    if (algorithm !== 1 || sha256(named).slice(2, 10) !== id) return null;
    const end = note.lastIndexOf("\n\n");
    const text = note.slice(0, end + 1);
    const [origin, size, root] = text.split("\n");
    if (origin !== name) return null;
    for (const line of note.slice(end + 2).split("\n")) {
      if (!line.startsWith(`— ${name} `)) continue;
      const signed = bytesOf(line.slice(name.length + 3));
      if (toHex(signed.slice(0, 4)).slice(2) !== id) continue;
      if (ed25519.verify(signed.slice(4), stringToBytes(text), Uint8Array.from(point))) {
        return { origin, size: Number(size), root: toHex(bytesOf(root)) };
      }
    }
  } catch {
    // Whatever it is, it is no checkpoint.
  }
  return null;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), character => character.charCodeAt(0));
}
