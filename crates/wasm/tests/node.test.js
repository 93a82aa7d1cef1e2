// In Node: the recorded bits, the errors, and the cache. `cargo xtask check wasm` runs it.

import assert from "node:assert/strict";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MinilmError, SentenceEncoder, similarity } from "../npm/index.js";
import { run } from "./bits.js";
import { recorded, texts } from "./golden.js";
import { serve } from "./server.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const model = join(root, "weights/all-MiniLM-L6-v2");
const load = (options) => SentenceEncoder.load(model, options);
const int8 = await load({ precision: "int8" });

/** The engine has relaxed SIMD, and it is fused. */
const fused = int8.level === "relaxed";

const rejects = (promise, kind, message) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof MinilmError, String(error?.stack));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  });

/** The files of the model, some of them changed. */
async function given(changes) {
  const names = ["config.json", "modules.json", "1_Pooling/config.json", "tokenizer.json", "model.safetensors"];
  const bytes = await Promise.all(names.map((name) => readFile(join(model, name))));
  return { ...Object.fromEntries(names.map((name, i) => [name, bytes[i]])), ...changes };
}

test("fifty golden texts have the recorded bits", async () => {
  const expected = recorded();
  const cases = ["int8", "int16"].map((precision) => ({ precision, level: "simd128" }));
  const relaxed = ["f32", "int8", "int16"].map((precision) => ({ precision, level: "relaxed" }));
  for (const { level, precision, hash } of await run(model, texts(), [...cases, ...(fused ? relaxed : [])])) {
    assert.equal(hash, expected[precision], `${precision} on ${level}`);
  }
});

test("floats on the exact level have the recorded bits of a level that is fused", async () => {
  const [{ hash }] = await run(model, texts().slice(0, 3), [{ precision: "f32", level: "simd128" }]);
  const other = { precision: "f32", level: fused ? "relaxed" : "portable" };
  assert.equal(hash, (await run(model, texts().slice(0, 3), [other]))[0].hash);
});

test("an unfused level is used only where it is named", async () => {
  const unfused = await load({ level: "unfused" });
  assert.equal(unfused.level, "unfused");
  const [a, b] = await unfused.encode(["A man is eating food.", "Someone has a meal."]);
  assert.ok(Math.abs(similarity(a, b) - 0.68) < 0.1);
  if (!fused) await rejects(load({}), "not-fused", /int8/);
});

test("similarity takes vectors and lists of them", async () => {
  const rows = await int8.encode(["one", "two", "one"]);
  const one = await int8.encode("one");
  assert.deepEqual(rows[0], one);
  assert.ok(Math.abs(similarity(rows[0], rows[2]) - 1) < 1e-6);
  assert.equal(similarity(one, rows).length, 3);
  assert.equal(similarity(rows, one).length, 3);
  assert.equal(similarity(rows, rows)[1].length, 3);
  assert.throws(() => similarity([1], [1, 2]), /1 and of 2/);
});

test("the memory after loading is that of the table and the packed weights", async () => {
  const mebibytes = (encoder) => encoder.memory / 2 ** 20;
  // Words 46.9 MB of floats; layers 42.5 MB of floats or 10.6 of integers; a layer as it is stored.
  const f32 = await load({ level: "unfused" });
  assert.ok(mebibytes(f32) < 110, `${mebibytes(f32)} MiB for floats`);
});

test("texts without any character, with all, and of ten megabytes", async () => {
  const { rows, tokens, dropped } = await int8.encodeAll(["", "\ud800 é 漢 \u0000", "word ".repeat(2e6)]);
  assert.equal(rows.length, 3);
  assert.deepEqual([tokens[0], tokens[2], dropped[0]], [2, 256, 0]);
  assert.equal(dropped[2], 2e6 + 2 - 256);
  assert.ok(rows.every((row) => Math.abs(similarity(row, row) - 1) < 1e-6));
  assert.deepEqual(await int8.encode([]), []);
  const short = await int8.encode(["cut"], { truncateDim: 64, normalize: true });
  assert.equal(short[0].length, 64);
});

test("wrong files are named with what is wrong", async () => {
  const { "model.safetensors": weights, ...rest } = await given({});
  await rejects(SentenceEncoder.load(rest, { precision: "int8" }), "model", /model\.safetensors/);
  const broken = (bytes) => SentenceEncoder.load({ ...rest, "model.safetensors": bytes }, { precision: "int8" });
  await rejects(broken(weights.subarray(0, weights.length - 1)), "model", /model\.safetensors/);
  await rejects(broken(weights.subarray(0, 1000)), "model", /model\.safetensors/);
  await rejects(broken(new TextEncoder().encode("<!DOCTYPE html><p>404")), "model", /model\.safetensors/);
  await rejects(broken(new Uint8Array(0)), "model", /model\.safetensors/);
  const tokenizer = new TextEncoder().encode("{}");
  await rejects(SentenceEncoder.load({ ...rest, "model.safetensors": weights, "tokenizer.json": tokenizer },
    { precision: "int8" }), "model", /tokenizer\.json/);
  await rejects(SentenceEncoder.load("/no/such/model"), "model", /config\.json/);
});

test("wrong settings are refused", async () => {
  await rejects(load({ precison: "int8" }), "option", /precison/);
  await rejects(load({ precision: "int4" }), "option", /int4/);
  await rejects(load({ precision: "int8", level: "avx9" }), "option", /avx9/);
  await rejects(load({ precision: "int8", maxTokens: 100000 }), "option", /max_tokens/);
  await rejects(int8.encode("a", { dimension: 3 }), "option", /dimension/);
  await rejects(int8.encode(["a", 3]), "option", /text 1/);
  await rejects(int8.encode("a", { truncateDim: 1000 }), "option", /1000/);
  await rejects(int8.encode("a", { promptName: "none" }), "option", /none/);
  const strict = await load({ precision: "int8", truncation: "error" });
  await rejects(strict.encode("word ".repeat(300)), "too-long", /302/);
  await int8.encode("and it goes on");
});

test("an aborted call rejects with the signal's reason", async () => {
  const stop = new AbortController();
  const many = Array.from({ length: 4000 }, (_, i) => `text number ${i} of several thousand`);
  const onProgress = () => stop.abort(new Error("enough"));
  await assert.rejects(int8.encode(many, { signal: stop.signal, onProgress }), /enough/);
  await assert.rejects(load({ precision: "int8", signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("files from the network are fetched once, with progress, and whole", async () => {
  const cache = await mkdtemp(join(tmpdir(), "minilm-cache-"));
  const half = (request, response) => {
    response.writeHead(200, { "content-length": 1000 });
    response.write("half");
    setTimeout(() => response.destroy(), 50);
  };
  const server = await serve(root, {
    "/broken/config.json": half,
    "/down/modules.json": (request, response) => response.writeHead(503).end(),
  });
  try {
    const seen = [];
    const url = `${server.url}/weights/all-MiniLM-L6-v2`;
    const options = { precision: "int8", cache, onProgress: (progress) => seen.push(progress) };
    const fetched = await SentenceEncoder.load(url, options);
    assert.equal((await fetched.encode("same"))[0], (await int8.encode("same"))[0]);
    assert.equal(seen.at(-1).file, "model.safetensors");
    assert.equal(seen.at(-1).loaded, seen.at(-1).total);
    const requests = async () => Number(await (await fetch(`${server.url}/requests`)).text());
    const before = await requests();
    await SentenceEncoder.load(url, options);
    assert.equal(await requests(), before, "the second load is from the cache");
    await rejects(SentenceEncoder.load(`${server.url}/broken`, { cache }), "fetch", /config\.json/);
    await rejects(SentenceEncoder.load(`${server.url}/down`, { cache }), "fetch", /503/);
    await rejects(SentenceEncoder.load(`${server.url}/none`, { cache }), "model", /config\.json/);
  } finally {
    server.close();
    await rm(cache, { recursive: true });
  }
});
