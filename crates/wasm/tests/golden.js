// The fifty golden texts of tests/recorded_bits.rs, and the hashes that it has recorded.

import { readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");

export function texts() {
  const all = JSON.parse(read("tests/golden/texts.json"));
  const list = Array.isArray(all) ? all : all.texts;
  const short = list.filter(({ ids }) => ids.length <= 24);
  return short.filter((_, i) => i % 4 === 0).slice(0, 50).map(({ text }) => text);
}

/** By the name of the precision. */
export function recorded() {
  const source = read("tests/recorded_bits.rs");
  const found = [...source.matchAll(/Precision::(\w+), (0x[0-9a-f_]+)/g)];
  return Object.fromEntries(found.map(([, name, hash]) => [name.toLowerCase(), hash.replaceAll("_", "")]));
}
