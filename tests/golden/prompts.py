"""Writes prompts.json and prompts.safetensors: what sentence-transformers makes of prompts.

    python tests/golden/prompts.py

Each case is a call of a copy of the model with other configuration files. `README.md` says what is in
the two files.
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from generate import HERE, MODEL, write_tensors

TEXTS = ["A man is eating food.", "", "Zwei Züge fahren um 9:15 Uhr.", "the cat sat on the mat " * 60]
INSTRUCTION = "Represent the sentence for retrieval: "
NAMED = {"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": "query"}
PASSAGE = {"prompts": {"query": "query: ", "passage": "passage: ", "topic": INSTRUCTION}, "default_prompt_name": "topic"}
MODES = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


def unpooled(modes: list[str]) -> dict:
    """A pooling that leaves out the tokens of prompts."""
    return {"embedding_dimension": 384, "pooling_mode": modes, "include_prompt": False}


def case(config: dict, method: str, pooling: dict | None = None, **options: str) -> dict:
    return {"config": config, "pooling": pooling, "method": method, "options": options}


CASES = {
    "default": case(NAMED, "encode"),
    "query": case(NAMED, "encode_query"),
    "document": case(NAMED, "encode_document"),
    "by name": case(NAMED, "encode", prompt_name="document"),
    "literal": case(NAMED, "encode", prompt=INSTRUCTION),
    "no prompt": case(NAMED, "encode", prompt=""),
    "another default": case(PASSAGE, "encode"),
    "a query beside another default": case(PASSAGE, "encode_query"),
    "a document without its name": case(PASSAGE, "encode_document"),
    "cut by the file": case(NAMED | {"truncate_dim": 100}, "encode_document"),
    "cut to more than there is": case({"truncate_dim": 1000}, "encode"),
    **{f"not pooled: {mode}": case(NAMED, "encode", unpooled([mode]), prompt=INSTRUCTION) for mode in MODES},
    "not pooled: nothing to leave out": case(NAMED, "encode_query", unpooled(["mean"]), prompt=""),
    "not pooled: a prompt that fills the model": case(NAMED, "encode", unpooled(["mean"]), prompt="word " * 300),
}


def run(case: dict) -> torch.Tensor:
    """The embeddings of all texts, [4, dimension], each text alone."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(MODEL, Path(folder) / "model")
        (copy / "config_sentence_transformers.json").write_text(json.dumps(case["config"]))
        if case["pooling"]:
            (copy / "1_Pooling" / "config.json").write_text(json.dumps(case["pooling"]))
        model = SentenceTransformer(str(copy), device="cpu", local_files_only=True)
        encode = getattr(model, case["method"])
        return torch.stack([encode(text, convert_to_tensor=True, **case["options"]) for text in TEXTS])


def main() -> None:
    torch.set_num_threads(1)
    tensors = {name: run(case) for name, case in CASES.items()}
    (HERE / "prompts.json").write_text(json.dumps({"texts": TEXTS, "cases": CASES}, indent=1) + "\n")
    write_tensors("prompts.safetensors", tensors)


if __name__ == "__main__":
    main()
