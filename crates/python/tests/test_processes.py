"""Forks, pools of processes, servers that load before they fork, and Ctrl-C.

Each case runs in a Python of its own with a limit on its time: what it looks for is a hang.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import MODEL, TEXTS

LIMIT = 120


def run(script, **kwargs):
    """Runs a script in a new Python; it fails if the script fails or hangs."""
    head = "import os, sys\nfrom minilm import SentenceTransformer\n"
    head += f"MODEL, TEXTS = {MODEL!r}, {TEXTS!r}\n"
    body = head + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", body],
        timeout=LIMIT,
        capture_output=True,
        text=True,
        **kwargs,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# In the child: an alarm ends a child that hangs, and any other failure is its exit code.
FORK = """
import signal
def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {status}"
"""


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_forked_child_encodes_after_its_parent(threads):
    run(
        FORK
        + f"""
import numpy as np
from minilm import util
model = SentenceTransformer(MODEL, threads={threads})
texts = TEXTS * 20
before = model.encode(texts)
model.encode("one text on all threads")
def work():
    assert np.array_equal(model.encode(texts), before)
    assert np.array_equal(model.encode(TEXTS[0]), before[0])
    assert np.array_equal(SentenceTransformer(MODEL, threads={threads}).encode(texts), before)
    assert util.semantic_search(before[:3], before)[0][0]["corpus_id"] == 0
    assert util.cos_sim(before, before).shape == (len(texts), len(texts))
    in_child(lambda: model.encode(texts))
in_child(work)
in_child(work)
assert np.array_equal(model.encode(texts), before)
"""
    )


def test_a_fork_during_a_call_does_no_harm():
    run(
        FORK
        + """
import threading
import numpy as np
model = SentenceTransformer(MODEL)
texts = [f"text number {i} of many" for i in range(500)]
expected = model.encode(texts)
stop = threading.Event()
def busy():
    while not stop.is_set():
        model.encode(texts)
threads = [threading.Thread(target=busy) for _ in range(2)]
[thread.start() for thread in threads]
def work():
    assert np.array_equal(model.encode(texts), expected)
try:
    for _ in range(8):
        in_child(work)
finally:
    stop.set()
    [thread.join() for thread in threads]
"""
    )


def test_a_child_that_loads_first_does_not_spoil_its_parent():
    run(
        FORK
        + """
def work():
    SentenceTransformer(MODEL).encode(TEXTS * 20)
in_child(work)
work()
in_child(work)
"""
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_pool_gives_the_same_vectors(method, tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        import numpy as np
        from minilm import SentenceTransformer

        TEXTS = {TEXTS!r}
        model = None

        def encode(texts):
            global model
            if model is None:
                model = SentenceTransformer({MODEL!r})
            return model.encode(texts)

        if __name__ == "__main__":
            expected = encode(TEXTS * 20)  # with "fork", children inherit the model
            context = multiprocessing.get_context({method!r})
            with ProcessPoolExecutor(2, mp_context=context) as pool:
                for found in pool.map(encode, [TEXTS * 20] * 4):
                    assert np.array_equal(found, expected)
    """)
    )
    subprocess.run([sys.executable, script], check=True, timeout=LIMIT)


def test_a_server_that_loads_before_it_forks_its_workers_answers():
    """As gunicorn --preload: the parent loads and encodes, and its children serve."""
    run(
        FORK
        + """
import socket
model = SentenceTransformer(MODEL)
expected = model.encode("warm").tobytes()
listener = socket.create_server(("127.0.0.1", 0))
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        for _ in range(3):
            connection, _ = listener.accept()
            with connection:
                text = connection.recv(1024).decode()
                connection.sendall(model.encode(text).tobytes())
        os._exit(0)
    children.append(child)
for _ in range(6):
    with socket.create_connection(listener.getsockname(), timeout=60) as client:
        client.sendall(b"warm")
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer == expected
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""
    )


def processor_time(process):
    """Seconds that the process has had a processor."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def time_of_an_interrupt():
    """Seconds from Ctrl-C to the exception, in the middle of a call of minutes.

    Where other programs take the processors, it is the time that the process itself had one.
    """
    script = f"""
import sys
from minilm import SentenceTransformer
model = SentenceTransformer({MODEL!r})
texts = [f"{{i}} " + "many different words in a long text " * 30 for i in range(100_000)]
print("ready", flush=True)
try:
    model.encode(texts)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    model.encode("it still works")
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        start, worked = time.monotonic(), processor_time(process)
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        taken = min(time.monotonic() - start, processor_time(process) - worked)
        process.stdin.close()
        assert process.wait(LIMIT) == 0
        return taken
    finally:
        process.kill()


def test_ctrl_c_ends_a_long_call_within_a_second():
    assert time_of_an_interrupt() < 1


def test_the_interpreter_works_during_a_call(model):
    """The GIL is released: another thread goes on counting."""
    import threading

    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    texts = [f"text number {i} of some length" for i in range(2000)]
    thread.start()
    before = counted[0]
    model.encode(texts)
    after = counted[0]
    stop.set()
    thread.join()
    assert after - before > 10_000


def test_an_error_of_a_progress_function_ends_the_call(model):
    texts = [f"text {i}" for i in range(20_000)]

    def fail(done):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        model._encoder.encode(texts, progress=fail)


def test_importing_starts_no_thread_and_reads_no_model():
    out = run(
        """
print(len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1)
print(any(name.split(".")[0] in ("torch", "pyarrow", "tqdm", "pandas") for name in sys.modules))
""",
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert out.split() == ["1", "False"]


#: Calls that would take many seconds, by their names.
LONG_CALLS = {
    "search": "util.semantic_search(rows, rows)",
    "similarity": "util.euclidean_sim(rows[:20000], rows)",
    "bits": "util.semantic_search_binary(rows, bits, corpus_embeddings=rows)",
    "index": "index._index.search(model._encoder, rows, 10, 'cosine', '')",
    "windows": "model.encode_windows('many words ' * 400_000, stride=10)",
    "long document": "model.encode_long('many words ' * 400_000)",
    "tokens": "model.encode(['many words ' * 100] * 9999, output_value='token_embeddings')",
    "token ids": "model.tokenize(['many words ' * 100] * 99_999)",
    "paraphrase mining": "util.paraphrase_mining_embeddings(rows)",
    "communities": "util.community_detection(rows)",
    "near duplicates": "util.near_duplicates(rows)",
    "k-means": "util.k_means(rows, 500)",
    "agglomerative": "util.agglomerative_clustering(rows[:25_000], 0.1)",
    "similarity evaluator": "evaluation.EmbeddingSimilarityEvaluator(texts, texts, scores)(model)",
    "retrieval evaluator": "evaluation.InformationRetrievalEvaluator(ids, ids, wanted)(Given())",
}

#: A process that makes the calls whose names it reads.
CALLER = f"""
import sys
import numpy as np
from minilm import Index, SentenceTransformer, evaluation, util
model = SentenceTransformer({MODEL!r})
rows = np.random.default_rng(1).standard_normal((60_000, 384), dtype=np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
bits = util.quantize_embeddings(rows, "ubinary")
index = Index.write(sys.argv[1], model, ["x"] * len(rows), rows)
texts = [f"{{i}} many different words in a text" for i in range(99_999)]
scores = range(len(texts))
ids = {{str(i): "" for i in range(len(rows))}}
wanted = {{i: {{i}} for i in ids}}
class Given:
    similarity_fn_name = "cosine"
    def encode_query(self, texts, **kwargs):
        return rows
    encode_document = encode_query
calls = {LONG_CALLS!r}
print("ready", flush=True)
for name in sys.stdin:
    try:
        print("begins", flush=True)
        eval(calls[name.strip()])
        print("ended", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    path = tmp_path_factory.mktemp("caller") / "texts.index"
    process = subprocess.Popen(
        [sys.executable, "-c", CALLER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("call", LONG_CALLS)
def test_ctrl_c_ends_other_long_calls_too(caller, call):
    """Within a second of the process's own time."""
    caller.stdin.write(f"{call}\n")
    caller.stdin.flush()
    assert caller.stdout.readline() == "begins\n"
    # Windows are computed one, two, four at once, and later many.
    time.sleep(2 if call in ("windows", "long document") else 0.3)
    start, worked = time.monotonic(), processor_time(caller)
    os.kill(caller.pid, signal.SIGINT)
    assert caller.stdout.readline() == "interrupted\n"
    # Threads of a call work at once.
    used = (processor_time(caller) - worked) / os.cpu_count()
    assert min(time.monotonic() - start, used) < 1
