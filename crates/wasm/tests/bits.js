// The hashes of the golden texts, in any place that runs JavaScript.

import { SentenceEncoder } from "../npm/index.js";

/** FNV-1a of the values' bytes, as tests/recorded_bits.rs computes it. */
export function hash(values) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return `0x${hash.toString(16).padStart(16, "0")}`;
}

/** What was found for each case: its hash, level and memory. */
export async function run(model, texts, cases) {
  const found = [];
  for (const options of cases) {
    const encoder = await SentenceEncoder.load(model, { ...options, cache: false });
    const start = performance.now();
    const { embeddings } = await encoder.encodeAll(texts);
    const { level, precision, memory } = encoder;
    const seconds = (performance.now() - start) / 1000;
    found.push({ level, precision, memory, seconds, hash: hash(embeddings) });
  }
  return found;
}
