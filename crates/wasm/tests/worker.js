import { run } from "./bits.js";

onmessage = async ({ data: { model, texts, cases } }) => {
  try {
    postMessage({ found: await run(model, texts, cases) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
