// The model, on a thread of its own.

import { SentenceEncoder } from "./minilm/index.js";

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
const onProgress = ({ file, loaded, total }) => {
  if (file !== "model.safetensors") return; // the others are small
  const all = total ? ` of ${megabytes(total)}` : "";
  const fetched = `The model is fetched: ${megabytes(loaded)}${all} MB`;
  postMessage({ progress: loaded === total ? "The model is prepared …" : fetched, loaded, total });
};
const loading = SentenceEncoder.load(new URL("./model/", import.meta.url), { onProgress });
loading.catch((error) => postMessage({ error: said(error) }));

function said({ kind, message }) {
  const lack = kind === "no-simd" || kind === "not-fused";
  return lack ? `The model cannot run in this browser: ${message}` : message;
}

onmessage = async ({ data: { id, texts } }) => {
  try {
    const encoder = await loading;
    const start = performance.now();
    const rows = await encoder.encode(texts);
    const milliseconds = performance.now() - start;
    const about = `precision ${encoder.precision}, level ${encoder.level}`;
    postMessage({ id, rows, milliseconds, about });
  } catch (error) {
    postMessage({ id, error: said(error) });
  }
};
