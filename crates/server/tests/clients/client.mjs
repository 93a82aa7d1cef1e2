// The client `openai` of npm against `minilm serve`; `cargo xtask check clients` runs it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const lines = readFileSync(process.argv[2], "utf8").trim().split("\n");
const expected = lines.map((line) => JSON.parse(line).embedding);
const client = new OpenAI({ maxRetries: 0 });
const model = "all-MiniLM-L6-v2";
const input = ["A man is eating food.", "Someone has a meal."];

// Without a format the client asks for base64, and makes floats of it.
for (const format of [{}, { encoding_format: "float" }]) {
  const found = await client.embeddings.create({ model, input, ...format });
  assert.equal(found.data.length, 2);
  found.data.forEach(({ embedding }, i) => {
    assert.equal(embedding.length, 384);
    embedding.forEach((x, j) => assert.ok(Math.abs(x - expected[i][j]) < 1e-8));
  });
  assert.equal(found.usage.prompt_tokens, 15);
}
const ids = await client.embeddings.create({ model, input: [[7592, 2088], [7592]] });
const one = await client.embeddings.create({ model, input: "hello world" });
assert.deepEqual([...ids.data[0].embedding], [...one.data[0].embedding]);
const short = await client.embeddings.create({ model, input: "x", dimensions: 64 });
assert.equal(short.data[0].embedding.length, 64);
const names = [];
for await (const each of client.models.list()) names.push(each.id);
assert.deepEqual(names, [model]);

await assert.rejects(client.embeddings.create({ model: "gpt", input: "x" }), OpenAI.NotFoundError);
const wrong = client.embeddings.create({ model, input: "x", dimensions: 999 });
await assert.rejects(wrong, (error) =>
  error instanceof OpenAI.BadRequestError && error.param === "dimensions");
const stranger = new OpenAI({ apiKey: "another", maxRetries: 0 });
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);

const about = new URL("node_modules/openai/package.json", import.meta.url);
console.log(`openai ${JSON.parse(readFileSync(about, "utf8")).version}`);
