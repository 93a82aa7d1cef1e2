"""The package beside the library in Rust, sentence-transformers and Chroma's default function.

    cargo build --release --example library
    python benches/measure.py MODEL TEXTS            # a file with one text per line

The engines take turns, and each number is a median. Leave the machine alone meanwhile.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parents[1]
LIBRARY = HERE / "target" / "release" / "examples" / "library"
SHORT = "A man is eating food."
ROUNDS = int(os.environ.get("ROUNDS", "5"))

START = """
import time
start = time.perf_counter()
from {module} import SentenceTransformer
model = SentenceTransformer({model!r}{options})
loaded = time.perf_counter() - start
import resource
print(loaded, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def start(module, model, options=""):
    """Seconds to import and load, and the resident memory in MB, in a new process."""
    script = START.format(module=module, model=model, options=options)
    found = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(ROUNDS)
    ]
    return [statistics.median(float(row[i]) for row in found) for i in (0, 1)]


def timed(work, calls=1):
    before = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - before) / calls


def library(process, name):
    process.stdin.write(name + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main(model_path, file):
    texts = pathlib.Path(file).read_text(encoding="utf-8").splitlines()
    result = {"texts": len(texts), "cpus": os.cpu_count()}
    result["import and load, s; memory, MB"] = start("minilm", model_path)

    from minilm import SentenceTransformer

    model = SentenceTransformer(model_path)
    rust = subprocess.Popen(
        [LIBRARY, model_path, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    runs = {
        "texts, library": lambda: library(rust, "texts"),
        "texts, package": lambda: timed(lambda: model.encode(texts)),
        "one text, library": lambda: library(rust, "one"),
        "one text, package": lambda: timed(lambda: model.encode(SHORT), 1000),
    }
    for run in runs.values():
        run()
    times = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run())
    result.update({name: statistics.median(found) for name, found in times.items()})
    rust.stdin.close()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
