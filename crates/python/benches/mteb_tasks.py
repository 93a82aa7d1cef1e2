"""STSBenchmark and Banking77Classification by MTEB, with minilm and with sentence-transformers.

    pip install mteb sentence-transformers
    python benches/mteb_tasks.py MODEL STS.tsv TRAIN.tsv TEST.tsv

MTEB takes its data from the hub. Here they come from files: a task whose ``dataset`` is set and
whose ``data_loaded`` is true loads nothing, and everything after that is MTEB's own. ``STS.tsv``
has the columns score, sentence1 and sentence2 and stands for the split ``validation``; the other
two have the columns label and text. Labels are numbered in the order of the alphabet.

The script prints each score, and fails if a score of minilm is not within 1e-4 of the other.
"""

import csv
import json
import sys

import datasets
import mteb
from mteb.models import SentenceTransformerEncoderWrapper
from sentence_transformers import SentenceTransformer

from minilm.mteb import MiniLMModel

CLOSE = 1e-4


def columns(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {name: [row[name] for row in rows] for name in rows[0]}


def sts(path):
    found = columns(path)
    data = {name: found[name] for name in ("sentence1", "sentence2")}
    data["score"] = [float(score) for score in found["score"]]
    task = mteb.get_task("STSBenchmark", eval_splits=["validation"])
    task.dataset = datasets.DatasetDict(validation=datasets.Dataset.from_dict(data))
    task.data_loaded = True
    return task, "validation"


def banking77(train, test):
    train, test = columns(train), columns(test)
    numbers = {label: i for i, label in enumerate(sorted(set(train["label"])))}
    splits = {}
    for name, split in (("train", train), ("test", test)):
        labels = [numbers[label] for label in split["label"]]
        splits[name] = datasets.Dataset.from_dict({"text": split["text"], "label": labels})
    task = mteb.get_task("Banking77Classification")
    task.dataset = datasets.DatasetDict(splits)
    task.data_loaded = True
    return task, "test"


def main(model, sts_file, train, test):
    original = SentenceTransformer(model, device="cpu")
    engines = {
        "sentence-transformers": SentenceTransformerEncoderWrapper(original),
        "minilm": MiniLMModel(model),
    }
    failed = False
    for make, files in ((sts, [sts_file]), (banking77, [train, test])):
        scores = {}
        for name, engine in engines.items():
            task, split = make(*files)
            result = mteb.evaluate(engine, task, cache=None).task_results[0]
            scores[name] = result.scores[split][0]["main_score"]
        difference = abs(scores["minilm"] - scores["sentence-transformers"])
        failed |= difference > CLOSE
        print(json.dumps({"task": task.metadata.name, "split": split, **scores}), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
