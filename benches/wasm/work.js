// The work of the benchmark, in whichever place runs it: turns of minilm and of onnxruntime-web.

import { SentenceEncoder, similarity } from "../../crates/wasm/npm/index.js";

const BATCH = 32; // texts of a batch of onnxruntime-web
const SINGLE = 10; // tokens of the text that comes alone
const REPEATS = 15; // of it, in a turn

/** A session of onnxruntime-web on one thread, as a function from lists of ids to vectors. */
async function onnx(ort, graph) {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(graph, { graphOptimizationLevel: "all" });
  return async (batch) => {
    const length = Math.max(...batch.map((ids) => ids.length));
    const shape = [batch.length, length];
    const matrix = (value) => {
      const values = new BigInt64Array(batch.length * length);
      batch.forEach((ids, i) => ids.forEach((id, j) => (values[i * length + j] = value(id))));
      return new ort.Tensor("int64", values, shape);
    };
    const feeds = {
      input_ids: matrix(BigInt),
      attention_mask: matrix(() => 1n),
      token_type_ids: matrix(() => 0n),
    };
    const { last_hidden_state: hidden } = await session.run(feeds);
    return batch.map((ids, i) => pool(hidden.data, i * length, ids.length, hidden.dims[2]));
  };
}

/** The mean over a text's tokens, divided by its length. */
function pool(hidden, first, tokens, width) {
  const mean = new Float32Array(width);
  for (let t = first; t < first + tokens; t++) {
    for (let j = 0; j < width; j++) mean[j] += hidden[t * width + j];
  }
  const length = Math.hypot(...mean);
  return mean.map((x) => x / length);
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Seconds of 256 texts and of one, for each engine in turns, and how near their vectors are. */
export async function measure({ ort, model, graphs, texts, rounds }) {
  const ours = (precision) => SentenceEncoder.load(model, { precision, cache: false });
  const [f32, int8] = [await ours("f32"), await ours("int8")];
  const [fused, quantised] = [await onnx(ort, graphs.fused), await onnx(ort, graphs.int8)];
  const sorted = [...texts].sort((a, b) => a.ids.length - b.ids.length);
  const single = texts.find(({ ids }) => ids.length === SINGLE);
  const inBatches = async (run) => {
    const vectors = new Map();
    for (let i = 0; i < sorted.length; i += BATCH) {
      const batch = sorted.slice(i, i + BATCH);
      (await run(batch.map(({ ids }) => ids))).forEach((v, j) => vectors.set(batch[j].text, v));
    }
    return texts.map(({ text }) => vectors.get(text));
  };
  const all = texts.map(({ text }) => text);
  const engines = {
    "minilm f32": { all: () => f32.encode(all), one: () => f32.encode(single.text) },
    "onnxruntime-web f32": { all: () => inBatches(fused), one: () => fused([single.ids]) },
    "minilm int8": { all: () => int8.encode(all), one: () => int8.encode(single.text) },
    "onnxruntime-web int8": { all: () => inBatches(quantised), one: () => quantised([single.ids]) },
  };
  const clock = async (work) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const times = Object.fromEntries(Object.keys(engines).map((name) => [name, { all: [], one: [] }]));
  const vectors = {};
  for (const [name, { all, one }] of Object.entries(engines)) {
    vectors[name] = await all(); // also warms up
    for (let i = 0; i < REPEATS; i++) await one();
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, { all, one }] of Object.entries(engines)) {
      times[name].all.push(await clock(all));
      const single = [];
      for (let i = 0; i < REPEATS; i++) single.push(await clock(one));
      times[name].one.push(median(single));
    }
  }
  const exact = vectors["onnxruntime-web f32"];
  const rows = Object.entries(times).map(([name, { all, one }]) => ({
    name,
    all: median(all),
    one: median(one),
    cosine: Math.min(...vectors[name].map((v, i) => similarity(v, exact[i]))),
  }));
  return { rows, level: f32.level, levelOfIntegers: int8.level, texts: texts.length };
}
