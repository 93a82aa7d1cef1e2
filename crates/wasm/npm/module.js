// The WebAssembly module: which of the two builds runs here, and calls of its functions.

import { MinilmError } from "./error.js";

// Functions of one SIMD instruction each: an engine that knows it accepts the module.
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
];
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15,
  65, 2, 253, 15, 253, 128, 2, 11,
];

const accepts = (bytes) => globalThis.WebAssembly?.validate(new Uint8Array(bytes)) ?? false;
const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);
const compiled = new Map();

/** Compiles one of the package's files, or the bytes that are given for it; once. */
async function compile(name, given) {
  const key = given ?? name;
  if (!compiled.has(key)) {
    compiled.set(key, compileNow(name, given));
    compiled.get(key).catch(() => compiled.delete(key));
  }
  return compiled.get(key);
}

async function compileNow(name, given) {
  if (given instanceof WebAssembly.Module) return given;
  if (given) return WebAssembly.compile(given);
  const url = new URL(`./${name}`, import.meta.url);
  if (inNode && url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new MinilmError("fetch", `${url}: status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** The build for a level, started; `exact` says whether the slow and exact level will do. */
export async function start(level, exact, given = {}) {
  if (!accepts(SIMD)) {
    const lack = globalThis.WebAssembly ? "no SIMD in its WebAssembly" : "no WebAssembly";
    throw new MinilmError("no-simd", `this engine has ${lack}, which minilm needs`);
  }
  const plain = async () => new Module(await compile("minilm.wasm", given.plain));
  if (level === "simd128" || level === "unfused" || level === "portable") {
    return { module: await plain(), level };
  }
  if (level !== "auto" && level !== "relaxed") {
    const names = '"auto", "relaxed", "simd128", "unfused" or "portable"';
    throw new MinilmError("option", `level is ${names}, not ${JSON.stringify(level)}`);
  }
  if (accepts(RELAXED)) {
    const module = new Module(await compile("minilm-relaxed.wasm", given.relaxed));
    if (module.isFused()) return { module, level: "relaxed" };
  }
  if (level === "auto" && exact) return { module: await plain(), level: "simd128" };
  throw new MinilmError(
    "not-fused",
    "this engine has no fused multiply-add, without which floats are slow or have other bits; use " +
      'precision "int8" or "int16", level "simd128" (the same bits, slow), or level "unfused" ' +
      "(other bits: compare its vectors with each other alone)",
  );
}

class Module {
  #exports;
  #dead = null;

  constructor(module) {
    this.#exports = new WebAssembly.Instance(module, {}).exports;
    const seed = new Uint32Array(2);
    globalThis.crypto?.getRandomValues(seed);
    this.#exports.seed(seed[0], seed[1]);
  }

  isFused() {
    return this.#exports.is_fused() === 1;
  }

  /** Bytes of the module's memory. */
  get memory() {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Gives `length` bytes, which `write` writes, to a function; returns its output. */
  call(name, length, write) {
    if (this.#dead) throw this.#dead;
    try {
      const at = this.#exports.buffer(length) >>> 0;
      if (at === 0) throw new MinilmError("memory", `no memory for ${length} bytes`);
      write(new Uint8Array(this.#exports.memory.buffer, at, length));
      const failed = this.#exports[name]();
      const output = this.#output("output", "output_length");
      if (!failed) return output;
      const { kind, message } = JSON.parse(new TextDecoder().decode(output));
      throw new MinilmError(kind, message);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const panic = new TextDecoder().decode(this.#output("panic", "panic_length"));
      const kind = panic ? "bug" : "memory";
      const message = panic || "the module has no memory left, or the stack is full";
      this.#dead = new MinilmError(kind, message, { cause: error });
      throw this.#dead;
    }
  }

  #output(at, length) {
    const start = this.#exports[at]() >>> 0;
    return new Uint8Array(this.#exports.memory.buffer, start, this.#exports[length]() >>> 0);
  }
}
