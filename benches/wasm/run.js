// minilm beside onnxruntime-web, in Node or in Chromium, in turns on one thread.
//
// run.js node|CHROMIUM PREPARED NODE_MODULES [ROUNDS [RECORD]]
//
// PREPARED is what prepare.py wrote; NODE_MODULES has onnxruntime-web. RECORD is a file to write,
// benches/record/browser.json.

import { readFile, mkdtemp, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { execFileSync, spawn } from "node:child_process";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serve } from "../../crates/wasm/tests/server.js";
import { FLAGS } from "../../crates/wasm/tests/chromium.js";
import { measure } from "./work.js";

const [place, prepared, modules, rounds = "5", record] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../", import.meta.url));
const { rows, error, ...about } = place === "node" ? await inNode() : await inChromium();
if (error) throw new Error(error);

console.log(`${place}: ${about.texts} texts, level ${about.level} and ${about.levelOfIntegers}`);
console.log("                          all texts       one text   least cosine with f32 graph");
for (const { name, all, one, cosine } of rows) {
  const cells = [name.padEnd(22), `${all.toFixed(0)} ms`.padStart(12), `${one.toFixed(2)} ms`.padStart(14)];
  console.log(cells.join(" "), cosine.toFixed(5).padStart(12));
}
for (const i of [0, 2]) {
  const times = (name) => (rows[i + 1][name] / rows[i][name]).toFixed(2);
  console.log(`${rows[i].name}: ${times("all")} times as fast on all, ${times("one")} on one`);
}
if (record) await write();
process.exit(0);

async function write() {
  const package_ = await readFile(join(modules, "onnxruntime-web/package.json"));
  const version = place === "node" ? process.version : execFileSync(place, ["--version"]).toString();
  const found = {
    machine: process.env.MINILM_MACHINE ?? cpus()[0].model,
    place: version.trim().split(" ").slice(0, 2).join(" "),
    onnxruntime: `onnxruntime-web ${JSON.parse(package_).version}`,
    date: new Date().toISOString().slice(0, 10),
    rounds: Number(rounds),
    ...about,
    rows,
  };
  await writeFile(record, `${JSON.stringify(found, null, 2)}\n`);
}

async function inNode() {
  const ort = await import(pathToFileURL(resolve(modules, "onnxruntime-web/dist/ort.node.min.mjs")));
  const graph = (name) => readFile(join(prepared, name));
  const graphs = { fused: await graph("fused.onnx"), int8: await graph("int8.onnx") };
  const texts = JSON.parse(await graph("texts.json"));
  const model = join(root, "weights/all-MiniLM-L6-v2");
  return measure({ ort, model, graphs, texts, rounds: Number(rounds) });
}

async function inChromium() {
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  const file = (path) => (request, response) => {
    if (path.endsWith("mjs")) response.setHeader("content-type", "text/javascript");
    if (path.endsWith("wasm")) response.setHeader("content-type", "application/wasm");
    createReadStream(path).pipe(response);
  };
  const dist = (name) => [`/onnxruntime-web/dist/${name}`, file(resolve(modules, "onnxruntime-web/dist", name))];
  const server = await serve(root, {
    "/task": (request, response) => response.end(JSON.stringify({ rounds: Number(rounds) })),
    "/graphs/fused.onnx": file(join(prepared, "fused.onnx")),
    "/graphs/int8.onnx": file(join(prepared, "int8.onnx")),
    "/graphs/texts.json": file(join(prepared, "texts.json")),
    ...Object.fromEntries(
      ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map(dist),
    ),
    "/result": async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      response.end();
      answer(JSON.parse(body));
    },
  });
  const profile = await mkdtemp(join(tmpdir(), "minilm-bench-"));
  const page = `${server.url}/benches/wasm/page.html`;
  const browser = spawn(place, [...FLAGS, `--user-data-dir=${profile}`, page], { stdio: "ignore" });
  const result = await answered;
  browser.kill();
  return result;
}
