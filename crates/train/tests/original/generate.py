"""Values and gradients of losses, learning rates, logistic regressions and mined negatives, by the
code of sentence-transformers, transformers, scikit-learn and PyTorch, in f64: losses.json,
losses.safetensors, schedule.json, logistic.json and negatives.json beside this script.

With the packages of benches/peers/requirements.txt: python crates/train/tests/original/generate.py
"""
import json
import os
import random
import sys
import types

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric

HERE = os.path.dirname(os.path.abspath(__file__))
B, H = 5, 12  # rows of a batch, values of an embedding


class Model(torch.nn.Module):
    def get_embedding_dimension(self):
        return H

    def __iter__(self):
        return iter([])


def in_batch(e, columns, scale, masked, symmetric):
    """Cross entropy with candidates left out: not in sentence-transformers, so in plain PyTorch."""
    u = torch.nn.functional.normalize(e, dim=1)
    a, c = u[:B], u[B:]
    target = torch.arange(B)

    def direction(q, d, column):
        s = q @ d.T * scale
        for i in range(B):
            for j in range(len(d)):
                if j != i and (column + j // B, i, j % B) in masked:
                    s = s.index_put((torch.tensor(i), torch.tensor(j)), torch.tensor(-torch.inf, dtype=s.dtype))
        return torch.nn.functional.cross_entropy(s, target)

    forth = direction(a, c, 1)
    return (forth + direction(c[:B], a, 0)) / 2 if symmetric else forth


def main():
    torch.manual_seed(1)
    m = Model()
    M = losses.MultipleNegativesRankingLoss
    symmetric = dict(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    # The original rounds scores to f32: these are the same in it.
    scores = torch.tensor([0.875, 0.125, 0.5, 0.5, -0.25], dtype=torch.float64)
    binary = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    spread = torch.randn(3 * B, H, dtype=torch.float64) * 0.7
    spread[B : 2 * B] += spread[:B] * 0.8  # positives look like their anchors
    solved = torch.eye(H, dtype=torch.float64)[:B].repeat(3, 1) + 1e-3 * torch.randn(3 * B, H, dtype=torch.float64)
    solved[2 * B :] = -solved[2 * B :]
    targets = torch.randn(3 * B, H, dtype=torch.float64)
    # Rows 0 and 2 have the same label, and row 4's anchor is row 1's positive.
    alike = [(0, 2), (2, 0), (1, 4), (4, 1)]
    masked = {(column, i, j) for column in (0, 1) for i, j in alike}

    def by_columns(loss, labels=None, columns=2):
        return lambda e: loss.compute_loss_from_embeddings(list(e.split(B)[:columns]), labels)

    def matryoshka(inner, columns):
        def of(e):
            sizes = [(12, 1.0), (6, 0.5), (3, 0.25)]
            return sum(w * inner.compute_loss_from_embeddings([torch.nn.functional.normalize(x[:, :k], dim=1) for x in e.split(B)[:columns]], None) for k, w in sizes)
        return of

    cases = {
        "mnrl": (2, by_columns(M(m)), None),
        "mnrl_symmetric": (2, by_columns(M(m, **symmetric)), None),
        "mnrl_hard": (3, by_columns(M(m), columns=3), None),
        "mnrl_scale_50": (3, by_columns(M(m, scale=50.0), columns=3), None),
        "mnrl_masked": (2, lambda e: in_batch(e, 2, 20.0, masked, False), None),
        "mnrl_symmetric_masked": (2, lambda e: in_batch(e, 2, 20.0, masked, True), None),
        "cosent": (2, by_columns(losses.CoSENTLoss(m), scores), scores),
        "cosine": (2, by_columns(losses.CosineSimilarityLoss(m), scores), scores),
        "contrastive": (2, by_columns(losses.ContrastiveLoss(m), binary), binary),
        "triplet_cosine": (3, by_columns(losses.TripletLoss(m, distance_metric=TripletDistanceMetric.COSINE, triplet_margin=0.2), columns=3), None),
        "triplet_euclidean": (3, by_columns(losses.TripletLoss(m), columns=3), None),
        "mse": (3, lambda e: torch.nn.functional.mse_loss(e, targets), None),
        "embed_distill": (3, lambda e: (1 - torch.nn.functional.cosine_similarity(e, targets)).mean(), None),
        "matryoshka": (2, matryoshka(M(m), 2), None),
    }
    tensors, index = {"targets": targets}, {}
    for kind, start in (("spread", spread), ("solved", solved)):
        tensors[kind] = start
        for name, (columns, loss, labels) in cases.items():
            e = start[: columns * B].clone().requires_grad_(True)
            value = loss(e)
            value.backward()
            tensors[f"{kind}.{name}"] = e.grad.clone()
            index[f"{kind}.{name}"] = {"columns": columns, "loss": value.item()}
            if labels is not None:
                index[f"{kind}.{name}"]["scores"] = labels.tolist()
    save_file({k: v.contiguous() for k, v in tensors.items()}, f"{HERE}/losses.safetensors")
    json.dump(index, open(f"{HERE}/losses.json", "w"), indent=1)
    schedules()
    logistic()
    negatives()


class Dataset(dict):
    """What mine_hard_negatives asks of a dataset."""

    from_dict = classmethod(lambda cls, columns: cls(columns))
    column_names = property(list)

    def __len__(self):
        return len(next(iter(self.values())))

    def to_pandas(self):
        import pandas

        return pandas.DataFrame(dict(self))


def schedules():
    from transformers import get_scheduler

    found = []
    for kind in ("linear", "constant_with_warmup", "cosine"):
        for steps, warm in ((7, 0), (10, 3), (5, 1), (1, 0), (3, 3)):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            schedule = get_scheduler(kind, optimizer, num_warmup_steps=warm, num_training_steps=steps)
            factors = []
            for _ in range(steps):
                factors.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
            found.append({"kind": kind, "steps": steps, "warmup": warm, "factors": factors})
    json.dump(found, open(f"{HERE}/schedule.json", "w"))


def logistic():
    from sklearn.linear_model import LogisticRegression

    r = np.random.default_rng(3)
    x = np.round(r.normal(size=(40, 6)), 3)
    y = np.where(x[:, 0] + 0.3 * r.normal(size=40) > 0.4, "a", np.where(x[:, 1] > 0, "b", "c"))
    cases = []
    for c in (1.0, 10.0):
        for labels in (y, np.where(y == "a", "yes", "no")):
            f = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x, labels)
            cases.append({"c": c, "labels": labels.tolist(), "classes": f.classes_.tolist(), "probabilities": f.predict_proba(x).tolist()})
    json.dump({"x": x.tolist(), "cases": cases}, open(f"{HERE}/logistic.json", "w"))


def negatives():
    import sentence_transformers.util.hard_negatives as original

    original.is_datasets_available = lambda: True
    sys.modules["datasets"] = types.ModuleType("datasets")
    sys.modules["datasets"].Dataset = Dataset
    mine_hard_negatives = original.mine_hard_negatives

    r = np.random.default_rng(5)
    # Queries 0 and 1 have two positives; the corpus has texts besides the positives.
    pairs = [("q0", "p0"), ("q0", "p1"), ("q1", "p1"), ("q1", "p2"), ("q2", "p3"), ("q3", "p4"), ("q4", "p5")]
    corpus = [f"c{i}" for i in range(12)]
    names = sorted({x for pair in pairs for x in pair} | set(corpus))
    v = r.normal(size=(len(names), 4))
    for q, p in pairs:
        v[names.index(p)] += 1.5 * v[names.index(q)]
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    vectors = {n: x.astype(np.float32) for n, x in zip(names, v)}

    class Encoder:
        similarity = staticmethod(lambda a, b: torch.as_tensor(a) @ torch.as_tensor(b).T)
        similarity_pairwise = staticmethod(lambda a, b: (torch.as_tensor(a) * torch.as_tensor(b)).sum(1))
        prompts = {}
        device = "cpu"

        def encode(self, texts, **_):
            return np.stack([vectors[t] for t in texts])

        encode_query = encode_document = encode

    data = Dataset.from_dict({"anchor": [a for a, _ in pairs], "positive": [p for _, p in pairs]})
    cases = []
    for settings in (
        {"num_negatives": 3},
        {"num_negatives": 2, "range_min": 2, "range_max": 8},
        {"num_negatives": 2, "relative_margin": 0.05},
        {"num_negatives": 3, "absolute_margin": 0.4, "max_score": 0.9},
        {"num_negatives": 2, "min_score": 0.1, "range_max": 6},
    ):
        mined = {}
        for output in ("triplet", "n-tuple"):
            try:
                found = mine_hard_negatives(data, Encoder(), corpus=corpus, output_format=output, verbose=False, **settings)
                mined[output] = [list(row) for row in zip(*found.values())]
            except Exception as error:
                mined[output] = None
                print(settings, output, error)
        cases.append({"settings": settings, "triplets": mined["triplet"], "tuples": mined["n-tuple"]})
    json.dump({"vectors": {n: x.tolist() for n, x in vectors.items()}, "pairs": pairs, "corpus": corpus, "cases": cases}, open(f"{HERE}/negatives.json", "w"))


if __name__ == "__main__":
    random.seed(0)
    main()
