"""A million texts in process, through Ray Data and through Spark: one SHA-256.

    python benches/million.py MODEL FOLDER [--precision int8] [--first N] [--json FILE]

The corpus is made from lists of words, is the same on every machine, and lies in ``FOLDER`` as
parts of Parquet. Each engine embeds one part after the other. A part that is done is written down
in ``FOLDER/done.json`` with the SHA-256 of its vectors, so that a run that was stopped goes on with
the next part. At the end the record is printed, and written to ``--json``; it is of the parts that
all engines have done, and the script fails if their vectors are not the same.

Wall time is that of this machine as it was: if other programs ran meanwhile, it says little. CPU
seconds are those of every process of the engine, its start and its reading and writing included.
Those of Ray are not summed: its actor may end before its time is read, and the part then seems to
cost almost nothing. The record has them for each part, as they were read.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import platform
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

#: Engines whose processes are all there, or waited for, when their CPU seconds are read.
COUNTED = ("in process", "Spark")

#: Embeds a part of the corpus into a folder of Parquet.
Run = Callable[[pathlib.Path, pathlib.Path], None]

SEED = 15
WORDS = """
red green blue old young quick slow quiet loud warm cold bright dark small large empty full early
late cheap costly broken new heavy light happy tired hungry famous strange simple honest wooden
train bus ferry bicycle harbour station bridge street garden kitchen window letter parcel invoice
ticket doctor teacher farmer baker pilot engineer river mountain forest island beach storm snow
rain summer winter bread cheese apple tomato coffee water guitar piano song story question answer
password account payment refund server database network printer camera battery market library
museum school hospital factory cat dog horse bird bear fish flower tree stone paper glass iron
opens closes finds loses sends receives buys sells paints repairs watches follows waits sleeps
runs walks sings writes reads counts measures cuts cooks cleans carries borrows forgets remembers
near under behind between without after before during against beyond
""".split()


def corpus(count: int) -> list[str]:
    """Different texts of three to six words, the same on every machine."""
    choose = random.Random(SEED)
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[" ".join(choose.choices(WORDS, k=choose.randint(3, 6)))] = None
    return list(texts)


def write_corpus(folder: pathlib.Path, count: int, parts: int) -> list[pathlib.Path]:
    """The parts of the corpus, as Parquet with the columns ``id`` and ``text``."""
    files = [folder / f"part-{part:03}.parquet" for part in range(parts)]
    if all(file.exists() for file in files):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    texts = corpus(count)
    for file, ids in zip(files, np.array_split(np.arange(count), parts)):
        rows = texts[ids[0] : ids[-1] + 1]
        partial = file.with_suffix(".partial")
        pq.write_table(pa.table({"id": ids, "text": rows}), partial)
        partial.rename(file)
    return files


def digest(vectors: pathlib.Path) -> tuple[int, str]:
    """The rows of a folder of Parquet, and the SHA-256 of their vectors in the order of the ids."""
    table = pq.read_table(vectors, columns=["id", "embedding"]).sort_by("id").combine_chunks()
    rows = table.column("embedding").combine_chunks().flatten().to_numpy()
    return len(table), hashlib.sha256(rows.astype("<f4", copy=False).tobytes()).hexdigest()


def cpu_seconds(root: int | None = None) -> float:
    """CPU seconds of this process and of all that came from it.

    Those that have ended count where their parent has waited for them.
    """
    ticks, parents = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    root = os.getpid() if root is None else root

    def descends(process: int) -> bool:
        while process not in (root, 0):
            process = parents.get(process, 0)
        return process == root

    return sum(ticks[process] for process in ticks if descends(process)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def in_process(options: argparse.Namespace) -> Iterator[Run]:
    from minilm import SentenceTransformer
    from minilm.arrow import embed

    model = SentenceTransformer(
        options.model, precision=options.precision, threads=options.threads
    )

    def run(part: pathlib.Path, output: pathlib.Path) -> None:
        table = pq.read_table(part)
        vectors = embed(table.column("text").combine_chunks(), model)
        output.mkdir()
        pq.write_table(
            pa.table({"id": table.column("id"), "embedding": vectors}), output / "all.parquet"
        )

    yield run


@contextlib.contextmanager
def with_ray(options: argparse.Namespace) -> Iterator[Run]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # A machine that others use too may stop for minutes; that is no failure.
    os.environ["RAY_DASHBOARD_STARTUP_TIMEOUT_S"] = "600"
    os.environ["RAY_raylet_start_wait_time_s"] = "600"
    os.environ["RAY_health_check_initial_delay_ms"] = "600000"
    os.environ["RAY_health_check_timeout_ms"] = "600000"
    os.environ["RAY_health_check_period_ms"] = "600000"
    import ray

    from minilm.ray import Embed

    # One CPU more than the actor has threads is left for reading and writing.
    ray.init(
        num_cpus=options.threads + 1,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False

    def run(part: pathlib.Path, output: pathlib.Path) -> None:
        ray.data.read_parquet(str(part)).map_batches(
            Embed,
            fn_constructor_kwargs={
                "model": options.model,
                "threads": options.threads,
                "model_kwargs": {"precision": options.precision},
            },
            batch_format="pyarrow",
            batch_size=10_000,
            compute=ray.data.ActorPoolStrategy(size=1),
            num_cpus=options.threads,
        ).drop_columns(["text"]).write_parquet(str(output))

    yield run
    ray.shutdown()


@contextlib.contextmanager
def with_spark(options: argparse.Namespace) -> Iterator[Run]:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    import pyspark

    from minilm.spark import embed

    # One task at a time, which has all threads.
    session = (
        pyspark.sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.network.timeout", "3600s")
        .config("spark.executor.heartbeatInterval", "600s")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")

    def run(part: pathlib.Path, output: pathlib.Path) -> None:
        frame = session.read.parquet(str(part)).coalesce(1)
        vectors = embed(
            frame,
            "text",
            model=options.model,
            threads=options.threads,
            model_kwargs={"precision": options.precision},
        )
        vectors.drop("text").write.parquet(str(output))

    yield run
    session.stop()


ENGINES = {"in process": in_process, "Ray Data": with_ray, "Spark": with_spark}


def embed_parts(
    name: str,
    files: list[pathlib.Path],
    done: dict[str, dict],
    save: Callable[[], None],
    options: argparse.Namespace,
) -> None:
    """Embeds the parts that are not done, and tells how far it is."""
    missing = [file for file in files if file.name not in done]
    if not missing:
        return
    before, start = cpu_seconds(), time.perf_counter()
    with ENGINES[name](options) as run:
        started = time.perf_counter() - start
        for file in missing:
            output = file.with_name(f"vectors-{name.replace(' ', '-')}-{file.stem}")
            shutil.rmtree(output, ignore_errors=True)  # of a run that was stopped
            begin = time.perf_counter()
            run(file, output)
            wall, cpu = time.perf_counter() - begin, cpu_seconds()
            rows, sha256 = digest(output)
            done[file.name] = {
                "rows": rows,
                "sha256": sha256,
                "wall_s": round(wall, 2),
                "cpu_s": round(cpu - before, 2),
            }
            before = cpu_seconds()  # without the time of the digest
            save()
            if not options.keep:
                shutil.rmtree(output)
            print(
                f"{name}: {file.stem}, {rows} texts in {wall:.1f} s of the clock, "
                f"{done[file.name]['cpu_s']:.1f} s of CPUs; start {started:.1f} s",
                file=sys.stderr,
                flush=True,
            )


def tokens_of(files: list[pathlib.Path], options: argparse.Namespace) -> int:
    from minilm import SentenceTransformer

    encoder = SentenceTransformer(options.model)._encoder
    texts = (pq.read_table(file).column("text").to_pylist() for file in files)
    return sum(len(ids) for part in texts for ids, _ in encoder.tokenize(part, ""))


def cpu_name() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def record(
    files: list[pathlib.Path], done: dict[str, dict[str, dict]], options: argparse.Namespace
) -> dict:
    """What the engines did with the parts that all of them have done."""
    files = [file for file in files if all(file.name in parts for parts in done.values())]
    texts = sum(pq.read_metadata(file).num_rows for file in files)
    tokens = tokens_of(files, options)
    result: dict = {
        "cpu": cpu_name(),
        "threads": options.threads,
        "precision": options.precision or "f32",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "clock": options.clock,
        "texts": texts,
        "tokens": tokens,
        "parts": len(files),
        "engines": {},
    }
    for name, parts in done.items():
        rows = [parts[file.name] for file in files]
        cpu, wall = (sum(row[key] for row in rows) for key in ("cpu_s", "wall_s"))
        result["engines"][name] = {
            "sha256": hashlib.sha256("".join(row["sha256"] for row in rows).encode()).hexdigest(),
            "wall_s": round(wall, 1),
            "texts_per_s": round(texts / wall, 1),
            "wall_s_of_parts": [row["wall_s"] for row in rows],
            "cpu_s_of_parts": [row["cpu_s"] for row in rows],
        }
        if name in COUNTED:
            result["engines"][name] |= {
                "cpu_s": round(cpu, 1),
                "tokens_per_cpu_s": round(tokens / cpu, 1),
                "core_hours_of_a_billion_texts": round(cpu / texts * 1e9 / 3600, 1),
            }
    return result


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--precision", choices=["f32", "int16", "int8"])
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--first", type=int, metavar="N", help="only the first N parts")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--clock", default="alone", help="what else ran on the machine meanwhile")
    parser.add_argument("--keep", action="store_true", help="keep the vectors")
    parser.add_argument("--json", type=pathlib.Path)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    options.folder = options.folder.resolve()
    options.model = str(pathlib.Path(options.model).resolve())
    files = write_corpus(options.folder, options.texts, options.parts)
    state = options.folder / "done.json"
    settings = {name: getattr(options, name) for name in ("model", "precision", "texts", "parts")}
    known = json.loads(state.read_text()) if state.exists() else {"settings": settings, "done": {}}
    if known["settings"] != settings:
        sys.exit(f"{state}: it is of a run with {known['settings']}; choose another folder")
    done = known["done"]

    def save() -> None:
        partial = state.with_suffix(".partial")
        partial.write_text(json.dumps(known, indent=1))
        partial.rename(state)

    files = files[: options.first]
    for name in options.engines:
        embed_parts(name, files, done.setdefault(name, {}), save, options)
    if not any(all(file.name in parts for parts in done.values()) for file in files):
        sys.exit("no part is done by all engines")
    result = record(files, done, options)
    digests = {engine["sha256"] for engine in result["engines"].values()}
    text = json.dumps(result, indent=1) + "\n"
    print(text)
    if options.json:
        options.json.write_text(text)
    if len(digests) > 1:
        sys.exit("the engines do not agree")


if __name__ == "__main__":
    main()
