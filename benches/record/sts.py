"""Writes sts.json: how well cosines correlate with the scores of people, ours and those of sentence-transformers.

    pip install sentence-transformers
    python sts.py sts-dev.tsv

The file is that of the STS Benchmark, with the columns score, genre, file, year, sentence1 and sentence2.
"""

import json
import subprocess
import sys
from pathlib import Path

import sentence_transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.evaluation import EmbeddingSimilarityEvaluator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILE = Path(sys.argv[1]).resolve()

lines = [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()]
rows = [dict(zip(lines[0], line)) for line in lines[1:]]
columns = [[row[name] for row in rows] for name in ("sentence1", "sentence2")]
evaluator = EmbeddingSimilarityEvaluator(*columns, [float(row["score"]) for row in rows], similarity_fn_names=["cosine"])
theirs = evaluator(SentenceTransformer(str(ROOT / "weights/all-MiniLM-L6-v2"), device="cpu"))

command = ["cargo", "run", "--release", "--quiet", "--", "eval", "sts", str(FILE), "--json"]
ours = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)

coefficients = ("spearman", "pearson")
engines = [
    {"name": "minilm", **{name: ours["cosine"][name] for name in coefficients}},
    {
        "name": f"sentence-transformers {sentence_transformers.__version__}",
        **{name: float(theirs[f"{name}_cosine"]) for name in coefficients},
    },
]
(HERE / "sts.json").write_text(json.dumps({"pairs": ours["pairs"], "engines": engines}, indent=2) + "\n")
