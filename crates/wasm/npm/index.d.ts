/** The settings of {@link SentenceEncoder.load}. */
export interface LoadOptions {
  /** The model's name; by default the last part of its address. */
  name?: string;
  /**
   * The numbers that the linear layers compute with; by default those of the model's file. Any
   * model of floats can be rounded to the integers when it is loaded. One that
   * `minilm quantize-model` has rounded is "int8", and a quarter of the size.
   */
  precision?: "f32" | "int16" | "int8";
  /**
   * How to multiply and add. "auto" takes "relaxed", fused multiply-adds, where the engine has
   * them, and elsewhere "simd128" for integers; for floats that is an error of kind "not-fused".
   * "simd128" has the same bits as "relaxed", and is slow for floats. "unfused" is fast and has
   * other bits: its vectors are compared with each other alone.
   */
  level?: "auto" | "relaxed" | "simd128" | "unfused" | "portable";
  /** Tokens of a text that are read; by default what the model says. */
  maxTokens?: number;
  /** Whether a text that is longer is cut, which is the default, or an error of kind "too-long". */
  truncation?: "silent" | "error";
  /**
   * The cache of files from the network. In browsers the name of a cache of the Cache API, in Node
   * a directory; `false` keeps none. The default is "minilm", in Node in the directory for caches.
   */
  cache?: string | false;
  /** Ends the fetch of the model's files. */
  signal?: AbortSignal;
  /** Called with the bytes of a file from the network; `total` is not always known. */
  onProgress?: (progress: { file: string; loaded: number; total?: number }) => void;
  /** The two builds of the module, if they are not found beside the package. */
  modules?: { relaxed?: BufferSource | WebAssembly.Module; plain?: BufferSource | WebAssembly.Module };
}

/** The settings of {@link SentenceEncoder.encode}. */
export interface EncodeOptions {
  /** Whether vectors get the length 1; by default the model decides. */
  normalize?: boolean;
  /** Keeps so many values of each vector. */
  truncateDim?: number;
  /** Text that is put before each text. */
  prompt?: string;
  /** The name of a prompt of the model, such as "query". */
  promptName?: string;
  /** Ends the work between two chunks of texts. */
  signal?: AbortSignal;
  /** Called when some texts are done. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What {@link SentenceEncoder.encodeAll} returns. */
export interface Encoded {
  /** The vectors end to end: `[texts, dimension]`. */
  embeddings: Float32Array;
  dimension: number;
  /** The vector of each text: parts of `embeddings`, not copies. */
  rows: Float32Array[];
  /** Tokens of each text that were read. */
  tokens: Uint32Array;
  /** Tokens of each text that were dropped, since the model reads no more. */
  dropped: Uint32Array;
}

/**
 * A sentence-embedding model. It computes on the thread that calls it: a page that must not wait
 * for a large model loads it in a worker.
 *
 * ```js
 * const encoder = await SentenceEncoder.load("https://example.org/all-MiniLM-L6-v2-int8");
 * const [a, b] = await encoder.encode(["A man is eating food.", "Someone has a meal."]);
 * similarity(a, b); // 0.68
 * ```
 */
export class SentenceEncoder {
  private constructor();

  /**
   * Loads a model from the directory of an address or, in Node, of a path; or from its files as
   * bytes, by their names in that directory.
   *
   * @throws {MinilmError} and the reason of an aborted signal.
   */
  static load(
    source: string | URL | Record<string, Uint8Array | ArrayBuffer>,
    options?: LoadOptions,
  ): Promise<SentenceEncoder>;

  /** The level that multiplies and adds. */
  readonly level: string;
  /** The numbers that the linear layers compute with. */
  readonly precision: "f32" | "int16" | "int8";
  /** Values of a vector. */
  readonly dimension: number;
  /** The most tokens of a text that are read. */
  readonly maxTokens: number;
  /** Bytes of the module's memory. */
  readonly memory: number;

  /**
   * The vector of a text, or those of several. A vector does not depend on the other texts.
   *
   * @throws {MinilmError} and the reason of an aborted signal.
   */
  encode(text: string, options?: EncodeOptions): Promise<Float32Array>;
  encode(texts: Iterable<string>, options?: EncodeOptions): Promise<Float32Array[]>;

  /** As {@link encode}, with the vectors in one array and the tokens of each text. */
  encodeAll(texts: Iterable<string>, options?: EncodeOptions): Promise<Encoded>;
}

type Vector = ArrayLike<number>;

/** The cosine of two vectors, or of each vector of a list with each of another. */
export function similarity(a: Vector, b: Vector): number;
export function similarity(a: Vector, b: Vector[]): Float32Array;
export function similarity(a: Vector[], b: Vector): Float32Array;
export function similarity(a: Vector[], b: Vector[]): Float32Array[];

/**
 * An error, by its `kind`:
 *
 * - "no-simd": the engine has no SIMD
 * - "not-fused": the engine cannot multiply and add floats with the bits of other machines
 * - "fetch": a file could not be fetched, or only a part of it came
 * - "model": a file of the model is missing, truncated or wrong; the message names it
 * - "option": a setting or an argument cannot be used
 * - "too-long": a text is too long, and `truncation` is "error"
 * - "encode": a text could not be tokenized
 * - "memory": the module has no memory left; its encoder cannot be used any longer
 * - "bug": a bug of minilm, to be reported
 */
export class MinilmError extends Error {
  readonly kind:
    | "no-simd"
    | "not-fused"
    | "fetch"
    | "model"
    | "option"
    | "too-long"
    | "encode"
    | "memory"
    | "bug";
}
