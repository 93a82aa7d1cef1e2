"""Chroma's default embedding function beside minilm's, on the same texts.

    python benches/chroma.py MODEL TEXTS FOLDER [--first N] [--json FILE]

It needs chromadb, sentence-transformers and torch with onnx. Chroma downloads its file for ONNX
Runtime; where ``FOLDER/onnx`` has none yet, PyTorch writes it from ``MODEL``, with the inputs and
the output that Chroma expects. The two take turns, and each number is a median. Vectors are
compared with those of sentence-transformers. Leave the machine alone meanwhile.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import time

import numpy as np
from million import cpu_name

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
FILES = ["config.json", "special_tokens_map.json", "tokenizer_config.json", "tokenizer.json"]


def export(model, folder):
    """The model for ONNX Runtime, and the files of its tokenizer."""
    import torch
    from transformers import AutoModel

    bert = AutoModel.from_pretrained(model, attn_implementation="eager").eval()

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = bert

        def forward(self, *inputs):
            return self.bert(**dict(zip(INPUTS, inputs))).last_hidden_state

    folder.mkdir(parents=True)
    for name in [*FILES, "vocab.txt"]:
        shutil.copy(pathlib.Path(model) / name, folder)
    ids = torch.ones(2, 8, dtype=torch.long)
    names = [*INPUTS, "last_hidden_state"]
    torch.onnx.export(
        Hidden(),
        (ids, ids, ids * 0),
        str(folder / "model.onnx"),
        input_names=INPUTS,
        output_names=names[3:],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names},
        dynamo=False,
    )


def timed(function, texts):
    before = time.perf_counter()
    rows = function(texts)
    return time.perf_counter() - before, np.array(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("texts", type=pathlib.Path, help="one text per line")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--first", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    if not (options.folder / "onnx" / "model.onnx").exists():
        export(options.model, options.folder / "onnx")

    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2
    from minilm.chroma import MiniLMEmbeddingFunction
    from sentence_transformers import SentenceTransformer

    class Default(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = options.folder

        def _download_model_if_not_exists(self):
            """The file is there, and is not Chroma's, of which Chroma knows the hash."""

    texts = options.texts.read_text(encoding="utf-8").splitlines()[: options.first]
    functions = {"Chroma": Default(), "minilm": MiniLMEmbeddingFunction(options.model)}
    seconds = {name: [] for name in functions}
    rows = {}
    for function in functions.values():
        function(texts[:2])
    for _ in range(options.rounds):
        for name, function in functions.items():
            taken, rows[name] = timed(function, texts)
            seconds[name].append(taken)
    wanted = SentenceTransformer(options.model, device="cpu").encode(texts)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    record = {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "date": str(datetime.date.today()),
        "texts": len(texts),
        "seconds": {name: round(taken, 4) for name, taken in median.items()},
        "times faster": round(median["Chroma"] / median["minilm"], 1),
        "largest difference from sentence-transformers": {
            name: float(np.abs(found - wanted).max()) for name, found in rows.items()
        },
    }
    print(text := json.dumps(record, indent=1))
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
