"""Writes dense.json and dense.safetensors: what sentence-transformers makes of texts with `Dense` modules.

    python tests/golden/dense.py

Each case is the model with other modules behind the pooling, whose weights are drawn at random.
"""

import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize
from torch import nn

from generate import HERE, MODEL, write_tensors

TEXTS = ["A man is eating food.", "", "Zwei Züge fahren um 9:15 Uhr.", "the cat sat on the mat " * 60]

CASES = {
    "tanh, normalised": lambda: [Dense(384, 24), Normalize()],
    "normalised, identity without bias": lambda: [Normalize(), Dense(384, 16, bias=False, activation_function=nn.Identity())],
    "two layers with residuals": lambda: [
        Dense(384, 16, activation_function=nn.GELU(), use_residual=True),
        Dense(16, 16, activation_function=nn.ReLU(), use_residual=True),
        Normalize(),
    ],
    "sigmoid and SiLU": lambda: [
        Dense(384, 8, activation_function=nn.Sigmoid()),
        Dense(8, 40, activation_function=nn.SiLU()),
    ],
}


def run(modules: list, name: str) -> tuple[dict, dict]:
    """The files of the modules behind the pooling, and the tensors of a case."""
    base = SentenceTransformer(str(MODEL), device="cpu", local_files_only=True)
    model = SentenceTransformer(modules=[base[0], base[1], *modules], device="cpu").eval()
    embeddings = torch.stack([model.encode(text, convert_to_tensor=True) for text in TEXTS])
    tensors, files = {f"{name}/embeddings": embeddings}, {}
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, create_model_card=False)
        files["modules.json"] = (Path(folder) / "modules.json").read_text()
        for path in sorted(Path(folder).glob("*_Dense")):
            files[f"{path.name}/config.json"] = (path / "config.json").read_text()
            weights = load_file(path / "model.safetensors")
            tensors |= {f"{name}/{path.name}/{tensor}": value for tensor, value in weights.items()}
    return files, tensors


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases, tensors = {}, {}
    for name, modules in CASES.items():
        cases[name], found = run(modules(), name)
        tensors |= found
    (HERE / "dense.json").write_text(json.dumps({"texts": TEXTS, "cases": cases}, indent=1) + "\n")
    write_tensors("dense.safetensors", tensors)


if __name__ == "__main__":
    main()
