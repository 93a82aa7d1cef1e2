import { MinilmError } from "./error.js";

/** Lengths below this count as this, as in PyTorch. */
const SHORTEST = 1e-12;

/** The cosine of two vectors, or of each vector of a list with each of another. */
export function similarity(a, b) {
  const [ofA, ofB] = [a, b].map((x) => ArrayBuffer.isView(x) || typeof x[0] === "number");
  if (ofA && ofB) return cosine(a, b);
  const [as, bs] = [ofA ? [a] : a, ofB ? [b] : b];
  const scores = as.map((a) => Float32Array.from(bs, (b) => cosine(a, b)));
  return ofA ? scores[0] : ofB ? Float32Array.from(scores, (row) => row[0]) : scores;
}

function cosine(a, b) {
  if (a.length !== b.length) {
    throw new MinilmError("option", `vectors of ${a.length} and of ${b.length} values`);
  }
  let [dot, squareOfA, squareOfB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    squareOfA += a[i] * a[i];
    squareOfB += b[i] * b[i];
  }
  const length = (square) => Math.max(Math.sqrt(square), SHORTEST);
  return Math.fround(dot / (length(squareOfA) * length(squareOfB)));
}
