"""Writes expected.json: what the evaluators of sentence-transformers and scikit-learn say of the files here.

    pip install sentence-transformers scikit-learn
    python generate.py
"""

import csv
import json
from pathlib import Path

from sentence_transformers import SentenceTransformer
from sentence_transformers.evaluation import (
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    TripletEvaluator,
)
from sklearn.cluster import KMeans
from sklearn.metrics import v_measure_score

HERE = Path(__file__).parent
MODEL = SentenceTransformer(str(HERE.parents[3] / "weights/all-MiniLM-L6-v2"), device="cpu")
NAMES = ["cosine", "dot", "euclidean", "manhattan"]


def tsv(name):
    lines = [line.split("\t") for line in (HERE / name).read_text(encoding="utf-8").splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def jsonl(name):
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines() if line]


def plain(metrics):
    return {name: float(value) for name, value in metrics.items()}


def sts():
    rows = tsv("sts.tsv")
    columns = [[row[name] for row in rows] for name in ("sentence1", "sentence2")]
    return EmbeddingSimilarityEvaluator(*columns, [float(row["score"]) for row in rows], similarity_fn_names=NAMES)


def pairs():
    with open(HERE / "pairs.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [[row[name] for row in rows] for name in ("question1", "question2")]
    return BinaryClassificationEvaluator(*columns, [int(row["is_duplicate"] in ("1", "true")) for row in rows], similarity_fn_names=NAMES)


def triplets():
    rows = jsonl("triplets.jsonl")
    columns = [[row[name] for row in rows] for name in ("anchor", "positive", "negative")]
    return TripletEvaluator(*columns, similarity_fn_names=NAMES)


def retrieval():
    corpus = {row["_id"]: f"{row.get('title', '')} {row['text']}".strip() for row in jsonl("retrieval/corpus.jsonl")}
    relevant = {}
    for row in tsv("retrieval/qrels/test.tsv"):
        if int(row["score"]) > 0:
            relevant.setdefault(row["query-id"], set()).add(row["corpus-id"])
    queries = {row["_id"]: row["text"] for row in jsonl("retrieval/queries.jsonl") if row["_id"] in relevant}
    return InformationRetrievalEvaluator(queries, corpus, relevant, score_functions=None)


def clusters():
    rows = tsv("clusters.tsv")
    found = KMeans(3, n_init=10, random_state=0).fit_predict(MODEL.encode([row["text"] for row in rows]))
    return {"v_measure": v_measure_score([row["label"] for row in rows], found)}


expected = {task.__name__: plain(task()(MODEL)) for task in (sts, pairs, triplets, retrieval)}
expected["clusters"] = clusters()
(HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
