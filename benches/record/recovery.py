"""Layers of a model that are made random, and trained back in PyTorch, beside `minilm train`.

    pip install sentence-transformers
    python recovery.py damage MODEL DAMAGED --layers 2
    python recovery.py distill DAMAGED MODEL train.tsv OUT --epochs 2 --rate 2e-4

The recipe is that of `minilm train`: batches of 64 in random order, AdamW without decay, a warm-up of a tenth of the
steps and then a linear fall, gradients no longer than 1, the model's dropout. In `docs/14-training.md`.
"""

import argparse
import csv
import json
import random
import shutil
import time

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

BATCH = 64


def damage(args):
    """The last layers anew, as BERT is initialised: normal(0, 0.02), biases 0, LayerNorms 1 and 0."""
    shutil.copytree(args.model, args.out)
    with open(f"{args.model}/config.json", encoding="utf-8") as file:
        layers = json.load(file)["num_hidden_layers"]
    weights = load_file(f"{args.model}/model.safetensors")
    torch.manual_seed(args.seed)
    for name in sorted(weights):
        if name.startswith("encoder.layer.") and int(name.split(".")[2]) >= layers - args.layers:
            weight = weights[name]
            if name.endswith("bias"):
                weight.zero_()
            elif "LayerNorm" in name:
                weight.fill_(1.0)
            else:
                weight.normal_(0.0, 0.02)
    save_file(weights, f"{args.out}/model.safetensors", metadata={"format": "pt"})


def rows(path, names):
    """The columns of a table, row by row."""
    with open(path, encoding="utf-8", newline="") as file:
        tabs = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.endswith(".tsv") else {}
        return [[row[name] for name in names] for row in csv.DictReader(file, **tabs)]


def train(model, data, loss, args):
    """`loss` takes rows of `data`, and gives the loss of that batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.0)
    steps = -(-len(data) // BATCH) * args.epochs
    warmup = -(-steps // 10)
    factor = lambda step: step / warmup if step < warmup else (steps - step) / (steps - warmup)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    torch.manual_seed(args.seed)
    model.train()
    start = time.perf_counter()
    for epoch in range(args.epochs):
        order = random.Random(args.seed + epoch).sample(data, len(data))
        for first in range(0, len(order), BATCH):
            value = loss(order[first : first + BATCH])
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    print(f"{steps} steps, {time.perf_counter() - start:.0f} seconds, the last loss {value.item():.4f}")
    model.eval()
    model.save(args.out)


def distill(args):
    """1 − cos of each embedding with that of the teacher: `--loss distill`."""
    model = SentenceTransformer(args.model, device="cpu")
    data = rows(args.data, ["sentence1", "sentence2"])
    texts = sorted({text for row in data for text in row})
    vectors = SentenceTransformer(args.teacher, device="cpu").encode(texts, convert_to_tensor=True)
    place = {text: i for i, text in enumerate(texts)}

    def loss(batch):
        batch = [text for column in zip(*batch) for text in column]
        found = model(model.preprocess(batch))["sentence_embedding"]
        wanted = vectors[[place[text] for text in batch]]
        return (1.0 - torch.nn.functional.cosine_similarity(found, wanted)).mean()

    train(model, data, loss, args)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for task, names, options in [
        (damage, ["model", "out"], {"layers": 2, "seed": 0}),
        (distill, ["model", "teacher", "data", "out"], {"epochs": 2, "rate": 2e-4, "seed": 0}),
    ]:
        command = commands.add_parser(task.__name__, help=task.__doc__)
        for name in names:
            command.add_argument(name)
        for name, value in options.items():
            command.add_argument(f"--{name}", type=type(value), default=value)
        command.set_defaults(run=task)
    args = parser.parse_args()
    args.run(args)
