// minilm: sentence embeddings in browsers, Node and workers. index.d.ts documents it.

import { MinilmError } from "./error.js";
import { files } from "./files.js";
import { start } from "./module.js";
import { cut, header } from "./safetensors.js";
import { similarity } from "./similarity.js";

export { MinilmError, similarity };

/** Characters of a chunk of texts, after which other tasks of the page get a turn. */
const CHUNK = 8192;
/** Milliseconds of work after which they get it. */
const TURN = 50;

const OF_LOAD = ["name", "precision", "maxTokens", "truncation"];
const OF_FETCH = ["cache", "signal", "onProgress", "level", "modules"];
const OF_ENCODE = ["normalize", "truncateDim", "prompt", "promptName"];
const OF_CALL = ["signal", "onProgress"];

export class SentenceEncoder {
  #module;
  #loaded;

  constructor(module, loaded) {
    this.#module = module;
    this.#loaded = loaded;
  }

  static async load(source, options = {}) {
    known(options, [...OF_LOAD, ...OF_FETCH]);
    const found = await files(source, options);
    options.signal?.throwIfAborted();
    const weights = found.findLast(([name]) => name.endsWith("model.safetensors"))?.[1];
    const stored = weights && header(weights)?.metadata["minilm.precision"];
    const exact = (options.precision ?? stored ?? "f32") !== "f32";
    const { module, level } = await start(options.level ?? "auto", exact, options.modules);
    while (found.length) give(module, ...found.shift());
    const name = options.name ?? named(source);
    const settings = JSON.stringify({ ...pick(options, OF_LOAD), name, level });
    const loaded = module.call("load", ...text(settings));
    return new SentenceEncoder(module, JSON.parse(new TextDecoder().decode(loaded)));
  }

  get level() {
    return this.#loaded.level;
  }

  get precision() {
    return this.#loaded.precision;
  }

  get dimension() {
    return this.#loaded.dimension;
  }

  get maxTokens() {
    return this.#loaded.maxTokens;
  }

  get memory() {
    return this.#module.memory;
  }

  async encode(texts, options = {}) {
    if (typeof texts === "string") return (await this.encodeAll([texts], options)).rows[0];
    return (await this.encodeAll(texts, options)).rows;
  }

  async encodeAll(texts, options = {}) {
    known(options, [...OF_ENCODE, ...OF_CALL]);
    const list = [...texts];
    const wrong = list.findIndex((text) => typeof text !== "string");
    if (wrong >= 0) throw new MinilmError("option", `text ${wrong} is no string`);
    const settings = JSON.stringify(pick(options, OF_ENCODE));
    const dimension = options.truncateDim ?? this.dimension;
    const result = {
      embeddings: new Float32Array(list.length * dimension),
      dimension,
      tokens: new Uint32Array(list.length),
      dropped: new Uint32Array(list.length),
    };
    let turn = performance.now();
    let done = 0;
    for (const chunk of chunks(list)) {
      options.signal?.throwIfAborted();
      if (done > 0 && performance.now() - turn > TURN) {
        await new Promise((resolve) => setTimeout(resolve));
        options.signal?.throwIfAborted();
        turn = performance.now();
      }
      this.#encodeChunk(settings, list, chunk, result);
      done += chunk.length;
      options.onProgress?.({ done, total: list.length });
    }
    if (list.length === 0) this.#encodeChunk(settings, list, [], result); // checks the options
    const row = (i) => result.embeddings.subarray(i * dimension, (i + 1) * dimension);
    return { ...result, rows: list.map((_, i) => row(i)) };
  }

  #encodeChunk(settings, list, chunk, { embeddings, dimension, tokens, dropped }) {
    const encoder = new TextEncoder();
    const parts = [settings, ...chunk.map((i) => list[i])].map((text) => encoder.encode(text));
    const lengths = Uint32Array.of(parts.length, ...parts.map((part) => part.length));
    const total = parts.reduce((sum, part) => sum + part.length, lengths.byteLength);
    const output = this.#module.call("encode", total, (to) => {
      to.set(new Uint8Array(lengths.buffer));
      let at = lengths.byteLength;
      for (const part of parts) {
        to.set(part, at);
        at += part.length;
      }
    });
    // A copy: the output may lie anywhere, and the memory moves when it grows.
    const bytes = output.slice().buffer;
    const values = new Float32Array(bytes, 0, chunk.length * dimension);
    const counts = new Uint32Array(bytes, values.byteLength);
    chunk.forEach((i, place) => {
      const row = values.subarray(place * dimension, (place + 1) * dimension);
      embeddings.set(row, i * dimension);
      [tokens[i], dropped[i]] = counts.subarray(2 * place);
    });
  }
}

/** Places of texts, those of like length together; a vector does not depend on its neighbours. */
function* chunks(list) {
  const order = list.map((_, i) => i).sort((a, b) => list[a].length - list[b].length);
  let chunk = [];
  let size = 0;
  for (const i of order) {
    if (chunk.length && size + list[i].length > CHUNK) {
      yield chunk;
      [chunk, size] = [[], 0];
    }
    chunk.push(i);
    size += list[i].length;
  }
  if (chunk.length) yield chunk;
}

/** Gives a file to the module, weights in parts. */
function give(module, name, bytes) {
  const parts = name.endsWith("model.safetensors") ? cut(bytes) : null;
  const one = (name, length, write) => {
    module.call("name", ...text(name));
    module.call("file", length, write);
  };
  if (!parts) return one(name, bytes.length, (to) => to.set(bytes));
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  for (const part of parts.files) one(folder + part.name, part.length, part.write);
  one(`${name}.index.json`, ...text(parts.index));
}

function text(string) {
  const bytes = new TextEncoder().encode(string);
  return [bytes.length, (to) => to.set(bytes)];
}

function pick(options, names) {
  const entries = Object.entries(options).filter(([name]) => names.includes(name));
  return Object.fromEntries(entries);
}

function known(options, names) {
  const other = Object.keys(options).find((name) => !names.includes(name));
  if (other === undefined) return;
  throw new MinilmError("option", `no option is called ${other}; there are: ${names.join(", ")}`);
}

/** The last part of an address, as the name of the model. */
function named(source) {
  if (typeof source === "object" && !(source instanceof URL)) return undefined;
  return String(source).split(/[?#]/)[0].split("/").filter(Boolean).at(-1);
}
