// The page: it asks the worker for vectors, and shows the texts by their similarity.

import { similarity } from "./minilm/index.js";

const TEXTS = [
  "Refunds are paid within two weeks to the card that you used.",
  "The parcel left our warehouse and arrives on Thursday.",
  "To change your password, open the settings and choose Security.",
  "Our shop in Lisbon is open from nine to six, except on Sundays.",
  "The battery lasts about ten hours and charges in ninety minutes.",
  "Students pay half of the price with a valid card.",
  "Damaged goods can be sent back without a charge for thirty days.",
  "The app works without a connection and syncs later.",
  "Our engineers rewrote the search so that it answers in milliseconds.",
  "A recipe for lentil soup: onions, carrots, cumin and an hour.",
  "The museum shows paintings of the seventeenth century until May.",
  "Trains to the airport leave every quarter of an hour.",
  "She trained for the marathon through the winter.",
  "The committee votes on the budget next week.",
  "Rain is expected in the mountains, and sun on the coast.",
  "We found water on the floor of the cellar after the storm.",
];

const ids = ["query", "status", "fetched", "hits", "corpus"];
const [query, status, fetched, hits, corpus] = ids.map((id) => document.getElementById(id));
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let last = 0;

/** The vectors of texts, from the worker. */
function encode(texts) {
  return new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, texts });
  });
}

worker.onmessage = ({ data }) => {
  if (data.progress) return progress(data);
  if (data.error && !waiting.has(data.id)) return show(new Error(data.error));
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error) reject(new Error(data.error));
  else resolve(data);
};
worker.onerror = (error) => show(error);

function progress({ progress, loaded, total }) {
  status.value = progress;
  if (total) [fetched.max, fetched.value] = [total, loaded];
}

/** Shows what went wrong. */
function show({ message }) {
  status.value = message;
  fetched.hidden = true;
}

let texts = [];
let vectors = [];

async function embedCorpus() {
  const lines = corpus.value.split("\n").filter((line) => line.trim());
  const { rows } = await encode(lines);
  [texts, vectors] = [lines, rows];
  await search();
}

async function search() {
  const asked = query.value;
  const { rows, milliseconds, about } = await encode([asked]);
  if (asked !== query.value) return; // a later one is on its way
  const scores = similarity(rows[0], vectors);
  fetched.hidden = true;
  const order = [...texts.keys()].sort((a, b) => scores[b] - scores[a]);
  hits.replaceChildren(...order.slice(0, 8).map((i) => row(texts[i], scores[i])));
  status.value = `${texts.length} texts, ${milliseconds.toFixed(1)} ms for the query; ${about}`;
}

function row(text, score) {
  const [item, number] = [document.createElement("li"), document.createElement("span")];
  number.textContent = score.toFixed(3);
  item.append(number, text);
  return item;
}

corpus.value = TEXTS.join("\n");
query.oninput = () => search().catch(show);
corpus.onchange = () => embedCorpus().catch(show);
embedCorpus().then(() => (query.disabled = false), show);
