// A model's files: from a directory, from addresses with a cache, or as they are given.

import { MinilmError } from "./error.js";

const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);
const WEIGHTS = "model.safetensors";
const OPTIONAL = [
  "tokenizer.json",
  "vocab.txt",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "sentence_bert_config.json",
];

/** All files of the model as [name, bytes], the weights last. */
export async function files(source, options) {
  if (isGiven(source)) return given(source);
  const absent = [];
  const read = reader(source, { ...options, absent });
  const found = [];
  const take = async (name, needed) => {
    const bytes = await read(name);
    if (bytes) found.push([name, bytes]);
    else if (needed) throw new MinilmError("model", `${where(source)} has no ${name}`);
    return bytes;
  };
  const modules = parse(await take("modules.json", false));
  await take("config_sentence_transformers.json", false);
  const [first = "", ...others] = modules.map(({ path }) => (path ? `${path}/` : ""));
  await take(`${first}config.json`, true);
  for (const name of OPTIONAL) await take(first + name, false);
  for (const [i, path] of others.entries()) {
    await take(`${path}config.json`, false);
    if (String(modules[i + 1].type).endsWith("Dense")) await take(path + WEIGHTS, true);
  }
  await take(first + WEIGHTS, true);
  const cache = await openCache(options.cache);
  for (const url of absent) await cache.put(url, ABSENT);
  return found;
}

/**
 * What the cache has of a file that a complete model lacks: without it, a model that is cached could
 * not be loaded without the network.
 */
const ABSENT = new Uint8Array(0);

/** The list of modules; an empty one if there is none, or none that the module will accept. */
function parse(bytes) {
  try {
    const modules = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(modules) ? modules.filter((m) => typeof m?.path === "string") : [];
  } catch {
    return [];
  }
}

const isGiven = (source) => typeof source === "object" && !(source instanceof URL);

function given(source) {
  return Object.entries(source).map(([name, bytes]) => {
    if (bytes instanceof ArrayBuffer) return [name, new Uint8Array(bytes)];
    if (bytes instanceof Uint8Array) return [name, bytes];
    throw new MinilmError("option", `${name} is no Uint8Array or ArrayBuffer`);
  });
}

const where = (source) => String(source);

/** A function from a file's name to its bytes, or null if there is no such file. */
function reader(source, options) {
  const url = address(source);
  if (!url) return (name) => fromDisk(`${source}/${name}`, options);
  if (url.protocol === "file:" && inNode) return (name) => fromDisk(new URL(name, url), options);
  return (name) => fromNetwork(new URL(name, url), name, options);
}

/** The folder that is named; null if it is a path of this machine. */
function address(source) {
  const base = inNode ? undefined : globalThis.location?.href;
  const text = String(source);
  const folder = text.endsWith("/") ? text : `${text}/`;
  if (inNode && !/^[a-z][a-z0-9+.-]+:/i.test(folder)) return null;
  return new URL(folder, base);
}

async function fromDisk(path, { signal }) {
  const { readFile } = await import("node:fs/promises");
  try {
    return new Uint8Array(await readFile(path, { signal }));
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    if (error.name === "AbortError") throw signal.reason;
    throw new MinilmError("fetch", `cannot read ${path}: ${error.message}`, { cause: error });
  }
}

async function fromNetwork(url, name, options) {
  const cache = await openCache(options.cache);
  const kept = await cache.get(url);
  if (kept) return kept.length > 0 ? kept : null;
  let response;
  try {
    response = await fetch(url, { signal: options.signal });
    if (response.status === 404) {
      options.absent.push(url);
      return null;
    }
    if (!response.ok) throw new MinilmError("fetch", `${url}: status ${response.status}`);
    const bytes = await body(response, url, name, options);
    await cache.put(url, bytes);
    return bytes;
  } catch (error) {
    if (error instanceof MinilmError) throw error;
    options.signal?.throwIfAborted();
    throw new MinilmError("fetch", `cannot fetch ${url}: ${error.message}`, { cause: error });
  }
}

/** The whole body, with progress; one that ends early is an error. */
async function body(response, url, name, { onProgress }) {
  // The length of a body that is compressed is not that of its content.
  const encoded = response.headers.get("content-encoding");
  const length = response.headers.get("content-length");
  const total = length && !encoded ? Number(length) : undefined;
  const chunks = [];
  let loaded = 0;
  for (let reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onProgress?.({ file: name, loaded, total });
  }
  if (total !== undefined && loaded !== total) {
    throw new MinilmError("fetch", `${url} ends after ${loaded} of ${total} bytes`);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const NO_CACHE = { get: async () => undefined, put: async () => {} };

/** The cache of this place: the Cache API of browsers, files in Node; one that fails is none. */
async function openCache(option) {
  if (option === false) return NO_CACHE;
  return inNode ? fileCache(option) : browserCache(option);
}

async function browserCache(name = "minilm") {
  if (!globalThis.caches) return NO_CACHE; // a page that is not secure
  const cache = await globalThis.caches.open(name).catch(() => null);
  if (!cache) return NO_CACHE;
  return {
    get: async (url) => {
      const response = await cache.match(url).catch(() => undefined);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    // A full disk costs the next visit a download, and this one nothing.
    put: (url, bytes) => cache.put(url, new Response(bytes)).catch(() => {}),
  };
}

async function fileCache(folder) {
  const [{ readFile, writeFile, rename, mkdir }, { homedir }, { join }, { createHash }] =
    await Promise.all([
      import("node:fs/promises"),
      import("node:os"),
      import("node:path"),
      import("node:crypto"),
    ]);
  const directory = folder ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "minilm");
  const path = (url) => join(directory, createHash("sha256").update(String(url)).digest("hex"));
  return {
    get: async (url) => {
      const bytes = await readFile(path(url)).catch(() => undefined);
      return bytes && new Uint8Array(bytes);
    },
    put: async (url, bytes) => {
      const part = `${path(url)}.${process.pid}.part`;
      try {
        await mkdir(directory, { recursive: true });
        await writeFile(part, bytes);
        await rename(part, path(url)); // whole, or not there
      } catch {
        // As in a browser.
      }
    },
  };
}
