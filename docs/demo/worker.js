// The model, on a thread of its own.

import { SentenceEncoder } from "./minilm/index.js";

const onProgress = ({ loaded, total }) => {
  const all = total ? ` of ${(total / 1e6).toFixed(0)}` : "";
  postMessage({ progress: `The model is fetched: ${(loaded / 1e6).toFixed(0)}${all} MB` });
};
const loading = SentenceEncoder.load(new URL("./model/", import.meta.url), { onProgress });
loading.catch((error) => postMessage({ error: error.message }));

onmessage = async ({ data: { id, texts } }) => {
  try {
    const encoder = await loading;
    const start = performance.now();
    const rows = await encoder.encode(texts);
    const milliseconds = performance.now() - start;
    const about = `precision ${encoder.precision}, level ${encoder.level}`;
    postMessage({ id, rows, milliseconds, about });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
