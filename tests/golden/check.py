"""Tests what the golden files claim to be, and prints the numbers.

    python tests/golden/check.py

1. The float64 tensors equal those of a second implementation, in plain numpy, that shares no code with PyTorch.
2. The float32 vectors are near the float64 ones, and equal to what sentence-transformers returns in normal use.
3. The lists hold what `README.md` says they hold.
"""

import json
import math

import numpy as np
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

from generate import HERE, MODEL

Array = np.ndarray

erf = np.vectorize(math.erf, otypes=[np.float64])


def forward(w: dict[str, Array], ids: list[int]) -> dict[str, Array]:
    """The whole model in float64: every stage by its PyTorch module path. `w` is the checkpoint."""
    stages: dict[str, Array] = {}

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def layer_norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return centred / scale * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    def heads(x: Array) -> Array:
        return x.reshape(len(ids), 12, 32).swapaxes(0, 1)  # [T, 384] -> [12, T, 32]

    def attention(x: Array, name: str) -> Array:
        q, k, v = (heads(linear(x, f"{name}.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(32)  # [12, T, T]
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return (weights @ v).swapaxes(0, 1).reshape(len(ids), 384)

    def gelu(x: Array) -> Array:
        return 0.5 * x * (1 + erf(x / math.sqrt(2)))

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = layer_norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
    stages["embeddings"] = x
    for n in range(6):
        layer = f"encoder.layer.{n}"
        context = stages[f"{layer}.attention.self"] = attention(x, f"{layer}.attention.self")
        x = layer_norm(x + linear(context, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        stages[f"{layer}.attention.output"] = x
        wide = stages[f"{layer}.intermediate"] = gelu(linear(x, f"{layer}.intermediate.dense"))
        x = layer_norm(x + linear(wide, f"{layer}.output.dense"), f"{layer}.output")
        stages[f"{layer}.output"] = x
    pooled = stages["pooled"] = x.mean(0)
    stages["sentence_embedding"] = pooled / max(np.linalg.norm(pooled), 1e-12)
    return stages


def check_stages() -> None:
    """Every tensor of stages.safetensors against numpy: to 1e-12 where F64 is stored, else to F32 rounding."""
    weights = load_file(MODEL / "model.safetensors")
    w = {name: tensor.astype(np.float64) for name, tensor in weights.items() if name != "embeddings.position_ids"}
    golden = load_file(HERE / "stages.safetensors")
    entries = json.loads((HERE / "stages.json").read_text())
    worst = {"F64": 0.0, "F32": 0.0, "f32 run": 0.0}
    for i, entry in enumerate(entries):
        for name, ours in forward(w, entry["ids"]).items():
            ours = ours if ours.ndim == 1 else ours[entry["rows"]]
            exact, single = golden[f"f64.{i:02}.{name}"], golden[f"f32.{i:02}.{name}"]
            assert exact.shape == single.shape == ours.shape, (i, name)
            error = np.abs(exact - ours)
            if exact.dtype == np.float64:
                worst["F64"] = max(worst["F64"], error.max())
            else:
                worst["F32"] = max(worst["F32"], (error / np.maximum(np.abs(ours), 1e-6)).max())
            worst["f32 run"] = max(worst["f32 run"], np.abs(single - ours).max())
    assert len(golden) == 2 * 27 * len(entries)
    assert worst["F64"] <= 1e-12 and worst["F32"] <= 2**-24 + 1e-9 and worst["f32 run"] < 1e-4, worst
    print(f"stages: float64 against numpy, max abs {worst['F64']:.1e} where stored as F64,")
    print(f"        max rel {worst['F32']:.2e} where rounded to F32 (2^-24 = {2**-24:.2e})")
    print(f"        float32 against numpy, max abs {worst['f32 run']:.1e} over all stages")


def check_embeddings() -> None:
    """The 300: float32 against float64 and against sentence-transformers, ids and vectors."""
    entries = json.loads((HERE / "texts.json").read_text())
    texts = [entry["text"] for entry in entries]
    lengths = np.array([len(entry["ids"]) for entry in entries])
    golden = load_file(HERE / "embeddings.safetensors")
    single, exact = golden["f32.sentence_embedding"], golden["f64.sentence_embedding"]
    assert single.shape == exact.shape == (300, 384) and len(set(texts)) == 300
    assert all(text.encode("utf-8").decode("utf-8") == text for text in texts)

    error = single - exact
    print(f"texts:  {len(texts)}, tokens min {lengths.min()} median {np.median(lengths):.0f} max {lengths.max()},")
    print(f"        {(lengths == 256).sum()} of 256, {((lengths >= 50) & (lengths < 256)).sum()} of 50 to 255")
    print(f"        float32 - float64: rms {np.sqrt((error**2).mean()):.3e}, max abs {np.abs(error).max():.3e}")

    original = SentenceTransformer(str(MODEL), device="cpu")
    for entry in entries:
        assert original.preprocess([entry["text"]])["input_ids"][0].tolist() == entry["ids"], entry["text"]
    difference = np.abs(original.encode(texts) - single).max()
    assert difference < 1e-6, difference
    print(f"        SentenceTransformer.encode - float32: max abs {difference:.3e}; all token ids equal")
    for text, vector in zip(texts[:2], single[:2]):
        print(f"        {text!r} {vector[:3]}")


def check_pooling() -> None:
    """The concatenation is its parts in the recorded order, and the mean vectors give the dot products."""
    golden = load_file(HERE / "pooling.safetensors")
    listing = json.loads((HERE / "pooling.json").read_text())
    for i, entry in enumerate(listing["texts"]):
        assert len(golden[f"{i:02}.token_embeddings"]) == len(entry["ids"]) <= 12
        parts = [golden[f"{i:02}.{mode}"] for mode in listing["all"]]
        assert np.array_equal(golden[f"{i:02}.all"], np.concatenate(parts))
    means = np.stack([golden[f"{i:02}.mean"] for i in range(3)])
    assert np.allclose(means @ means.T, golden["dot_score"], rtol=1e-5)
    print(f"pooling: {' + '.join(listing['all'])}")


if __name__ == "__main__":
    check_stages()
    check_embeddings()
    check_pooling()
