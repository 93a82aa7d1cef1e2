// A safetensors file cut into one for each layer, one for the word embeddings, and one for the rest.
//
// The module lets go of a layer's file when the layer is packed, and keeps the others. So its
// memory never holds the file beside what is made of it.

const WORDS = "word_embeddings";

/** The header of a safetensors file and where its data begin; null if it is none. */
export function header(bytes) {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > bytes.length - 8) return null;
  try {
    const tensors = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const { __metadata__: metadata = {}, ...named } = tensors;
    return { metadata, tensors: named, data: 8 + length };
  } catch {
    return null;
  }
}

/**
 * The parts as { name, length, write(to) }, and the index that says which tensor is in which. Null
 * if the file is not what it should be: the module then says why, from the whole file.
 */
export function cut(bytes) {
  const file = header(bytes);
  if (!file) return null;
  const parts = new Map();
  const index = {};
  for (const [tensor, info] of Object.entries(file.tensors)) {
    const [start, end] = info?.data_offsets ?? [];
    if (!(start >= 0 && start <= end && end <= bytes.length - file.data)) return null;
    const layer = /encoder\.layer\.(\d+)\./.exec(tensor)?.[1];
    const part = layer ? `layer-${layer}` : tensor.includes(WORDS) ? "words" : "rest";
    const name = `model-${part}.safetensors`;
    index[tensor] = name;
    if (!parts.has(name)) parts.set(name, []);
    parts.get(name).push({ tensor, info, data: bytes.subarray(file.data + start, file.data + end) });
  }
  const files = [...parts].map(([name, tensors]) => whole(name, tensors, file.metadata));
  return { files, index: JSON.stringify({ weight_map: index }) };
}

/** A safetensors file of these tensors. */
function whole(name, tensors, metadata) {
  const fields = { __metadata__: metadata };
  let at = 0;
  for (const { tensor, info, data } of tensors) {
    fields[tensor] = { ...info, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const unpadded = new TextEncoder().encode(JSON.stringify(fields));
  const padded = Math.ceil(unpadded.length / 8) * 8;
  const write = (to) => {
    new DataView(to.buffer, to.byteOffset).setBigUint64(0, BigInt(padded), true);
    to.fill(0x20, 8, 8 + padded);
    to.set(unpadded, 8);
    let place = 8 + padded;
    for (const { data } of tensors) {
      to.set(data, place);
      place += data.length;
    }
  };
  return { name, length: 8 + padded + at, write };
}
