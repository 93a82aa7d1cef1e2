// In headless Chromium: the recorded bits in a page and in a worker, the cache, an aborted fetch, a
// map that is searched, and the demo of the book, also in an engine without SIMD.
//
// browser.js CHROMIUM PROFILE MAP, where MAP is a page of `minilm map --search`

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { FLAGS } from "./chromium.js";
import { recorded, texts } from "./golden.js";
import { serve } from "./server.js";

const [program, profile, map] = process.argv.slice(2);
const LIMIT = 60_000; // milliseconds

const cases = [
  { precision: "f32" },
  { precision: "int16" },
  { precision: "int8" },
  { precision: "int8", level: "simd128" },
];
const search = { asked: "a loaf from the oven", words: "night TRAIN doctor" };
const workerCases = [{ precision: "f32" }, { precision: "int8" }];

/** The demo as `cargo xtask demo` lays it out, with the model of floats; and again as `/no-simd/`. */
const folders = Object.fromEntries(
  ["/demo/", "/no-simd/"].flatMap((demo) => [
    [`${demo}minilm/`, "/crates/wasm/npm/"],
    [`${demo}model/`, "/weights/all-MiniLM-L6-v2/"],
    [demo, "/docs/demo/"],
  ]),
);
/** A worker in an engine that refuses modules with SIMD. */
const withoutSimd = `WebAssembly.validate = () => false; import("./worker.js?the-same");`;

let answer;
const answered = new Promise((resolve) => (answer = resolve));
const root = fileURLToPath(new URL("../../../", import.meta.url));
const server = await serve(root, {
  "/task": (request, response) =>
    response.end(JSON.stringify({ model: "/weights/all-MiniLM-L6-v2", texts: texts(), cases, workerCases, search })),
  "/no-simd/worker.js": (request, response) => {
    response.setHeader("content-type", "text/javascript");
    if (request.url.includes("?")) createReadStream(`${root}/docs/demo/worker.js`).pipe(response);
    else response.end(withoutSimd);
  },
  "/map.html": (request, response) => {
    response.setHeader("content-type", "text/html");
    createReadStream(map).pipe(response);
  },
  "/result": async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.end();
    answer(JSON.parse(body));
  },
}, folders);
const browser = spawn(
  program,
  [...FLAGS, `--user-data-dir=${profile}`, `${server.url}/crates/wasm/tests/page.html`],
  { stdio: "ignore" },
);
const timer = setTimeout(() => answer({ error: "the page has not answered in time" }), LIMIT);
const result = await answered;
clearTimeout(timer);
browser.kill();
server.close();

assert.equal(result.error, undefined);
const expected = recorded();
for (const { level, precision, hash } of [...result.page, ...result.worker]) {
  assert.equal(hash, expected[precision], `${precision} on ${level}`);
}
assert.equal(result.requests, 0, "a cached model is fetched again");
assert.equal(result.aborted, "AbortError");
const { byMeaning, withoutWords, byWords } = result.map;
assert.equal(byMeaning.length, 5, "of 18 texts, 6 of which are alike");
for (const text of byMeaning) assert.match(text, /^0\.\d{3} .* bakes bread/);
const scores = byMeaning.map((text) => parseFloat(text));
assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
assert.deepEqual(withoutWords, []);
assert.deepEqual(byWords, ["the old doctor takes the night train to Hamburg"]);
const { progress, hits, status } = result.demo;
assert.match(progress, /^The model is fetched: \d+ of 91 MB$/);
assert.equal(hits.length, 8);
assert.match(hits[0], /^0\.\d{3}Refunds are paid/);
assert.match(status, /^16 texts, .* ms for the query; precision f32, level relaxed$/);
assert.match(result.withoutSimd, /no SIMD/);
const shown = result.page.map(({ level, precision }) => `${precision} on ${level}`);
console.log(`Chromium: the recorded bits with ${shown.join(", ")}, and in a worker; a map and the demo are searched`);
process.exit(0); // whatever the browser still holds
