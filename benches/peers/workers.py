"""The engines of Python, one a process. What is said on standard input and output is in src/worker.rs.

workers.py ENGINE THREADS SETS MODEL GRAPHS
"""

import ctypes
import importlib.metadata
import json
import os
import signal
import sys
import time

import numpy as np

LIMIT = 256  # tokens of a text, as sentence-transformers reads it
BATCH = 32  # texts that are padded to one length

# Of training, as in src/engines.rs and src/engines/training.rs.
PROBES = 64
SCALE = 20.0
RATE = 2e-5
CLIP = 1.0


class Padded:
    """An engine that takes token ids. Tokenizing, batches and pooling are written here, alike for all of them."""

    def __init__(self, model):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LIMIT)

    def hidden(self, rows):
        """The last hidden state [b, l, H] of token ids."""
        raise NotImplementedError

    def texts(self, texts):
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))  # neighbours have little padding
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        vectors = np.empty((len(ids), 384), np.float32)
        for batch in batches:
            vectors[batch] = self.ids([ids[i] for i in batch])
        return vectors

    def ids(self, rows):
        hidden = self.hidden(rows)  # [b, l, H]
        lengths = np.array([len(row) for row in rows])[:, None]
        weights = (np.arange(hidden.shape[1]) < lengths) / lengths  # [b, l]
        mean = (weights.astype(np.float32)[:, None, :] @ hidden)[:, 0]
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def rectangle(rows):
    """Rows with zeros behind them, the mask of what is not padding, and token types."""
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


class OpenVino(Padded):
    package = "openvino"
    precision = "f32"

    def __init__(self, threads, model, graphs):
        super().__init__(model)
        import openvino

        # Without the hint, a CPU with bf16 instructions computes in bf16.
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": self.precision}
        compiled = openvino.Core().compile_model(f"{graphs}/plain.onnx", "CPU", options)
        self.request = compiled.create_infer_request()

    def hidden(self, rows):
        return self.request.infer(rectangle(rows), share_inputs=True, share_outputs=True)[0]


class OpenVinoBf16(OpenVino):
    name = "openvino-bf16"
    precision = "bf16"


class OnnxRuntime(Padded):
    package = "onnxruntime"
    graph = "fused.onnx"

    def __init__(self, threads, model, graphs):
        super().__init__(model)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(f"{graphs}/{self.graph}", options, providers=providers)

    def hidden(self, rows):
        return self.session.run(None, rectangle(rows))[0]


class OnnxRuntimeInt8(OnnxRuntime):
    name = "onnxruntime-int8"
    graph = "fused-int8.onnx"


class CTranslate2(Padded):
    package = "ctranslate2"
    precision = "float32"

    def __init__(self, threads, model, graphs):
        super().__init__(model)
        import ctranslate2

        options = {"compute_type": self.precision, "intra_threads": threads, "inter_threads": 1}
        self.encoder = ctranslate2.Encoder(f"{graphs}/ctranslate2", device="cpu", **options)

    def hidden(self, rows):
        return np.array(self.encoder.forward_batch(rows).last_hidden_state)


class CTranslate2Int8(CTranslate2):
    name = "ctranslate2-int8"
    precision = "int8"  # the rest is f32


class SentenceTransformers:
    package = "sentence-transformers"

    def __init__(self, threads, model, _graphs):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = SentenceTransformer(model, device="cpu")
        self.optimizer = None  # until there is something to learn

    def texts(self, texts):
        return self.model.encode(texts, batch_size=BATCH, show_progress_bar=False)  # sorts by itself

    def ids(self, rows):
        with self.torch.inference_mode():
            ids = self.torch.tensor(rows)
            bert = self.model[0].auto_model
            hidden = bert(input_ids=ids, attention_mask=self.torch.ones_like(ids)).last_hidden_state
            return self.torch.nn.functional.normalize(hidden.mean(1), dim=1).numpy()

    def pairs(self, task):
        """Steps as in its own trainer, without dropout, which would make every engine another model."""
        from sentence_transformers.sentence_transformer import losses

        if self.optimizer is None:
            self.optimizer = optimizer(self.torch, self.model)
        mini = task["lesson"]["mini_batch"]
        loss = losses.MultipleNegativesRankingLoss(self.model)
        if mini:
            loss = losses.CachedMultipleNegativesRankingLoss(self.model, mini_batch_size=mini)
        self.model.train()
        half, size = len(task["texts"]) // 2, task["lesson"]["batch"]
        for start in range(0, half, size):
            columns = (task["texts"][start : min(start + size, half)], task["texts"][half:][start : start + size])
            loss([self.model.preprocess(column) for column in columns], None).backward()
            update(self.torch, self.model, self.optimizer)
        self.model.eval()

    def trained(self, task):
        return self.texts(task["texts"][:PROBES])


def optimizer(torch, model):
    """AdamW in its fastest form; no dropout."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0, fused=True)


def update(torch, model, optimizer):
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad()


class PyTorch:
    """A step of training, written for this one model: one forward pass for anchors and positives together."""

    package = "torch"
    name = "pytorch"
    autocast = False

    def __init__(self, threads, model, _graphs):
        import torch
        from transformers import AutoModel

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = AutoModel.from_pretrained(model, add_pooling_layer=False, dtype=torch.float32).train()
        self.optimizer = optimizer(torch, self.model)

    def embed(self, rows):
        torch = self.torch
        batch = {name: torch.from_numpy(array) for name, array in rectangle(rows).items()}
        mask = batch["attention_mask"].unsqueeze(-1).float()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            hidden = self.model(**batch).last_hidden_state
        mean = (hidden.float() * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)

    def step(self, task):
        torch = self.torch
        embeddings = self.embed(task["ids"])
        half = len(embeddings) // 2
        scores = SCALE * embeddings[:half] @ embeddings[half:].T
        torch.nn.functional.cross_entropy(scores, torch.arange(half)).backward()
        update(torch, self.model, self.optimizer)

    def trained(self, task):
        with self.torch.inference_mode():
            return self.embed(task["ids"][:PROBES]).numpy()


class PyTorchBf16(PyTorch):
    name = "pytorch-bf16"
    autocast = True


def vectors(lookup):
    """The queries and the rows of a search."""
    read = lambda name, count: np.fromfile(f"{lookup['folder']}/{name}.f32", "<f4", count * 384).reshape(count, 384)
    return read("queries", lookup["queries"]), read("rows", lookup["rows"])


class Searcher:
    """An engine that keeps the vectors of every search there has been, by their number of rows."""

    def __init__(self, threads, _model, _graphs):
        self.corpora = {}

    def corpus(self, lookup):
        """The queries, and the rows in the engine's form."""
        if lookup["rows"] not in self.corpora:
            queries, rows = vectors(lookup)
            self.corpora[lookup["rows"]] = queries, self.keep(rows)
        return self.corpora[lookup["rows"]]


class Faiss(Searcher):
    package = "faiss-cpu"

    def __init__(self, threads, model, graphs):
        super().__init__(threads, model, graphs)
        import faiss

        faiss.omp_set_num_threads(threads)
        self.faiss = faiss

    def keep(self, rows):
        index = self.faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        return index

    def search(self, lookup):
        queries, index = self.corpus(lookup)
        return np.stack(index.search(queries, lookup["top_k"]), axis=-1)


class NumPy(Searcher):
    """The whole score matrix. Its threads are OpenBLAS's, from the environment; what is not a product has one."""

    package = "numpy"

    def keep(self, rows):
        return rows

    def search(self, lookup):
        queries, rows = self.corpus(lookup)
        scores = queries @ rows.T  # [Q, n]
        ids = np.argpartition(scores, -lookup["top_k"], axis=1)[:, -lookup["top_k"] :]  # the best, in any order
        best = np.take_along_axis(scores, ids, axis=1)
        order = np.argsort(-best, axis=1)
        return np.stack([np.take_along_axis(best, order, axis=1), np.take_along_axis(ids, order, axis=1)], axis=-1)


EXACT = (OpenVino, CTranslate2, OnnxRuntime, SentenceTransformers, Faiss, NumPy, PyTorch)
ROUNDED = (OpenVinoBf16, CTranslate2Int8, OnnxRuntimeInt8, PyTorchBf16)
ENGINES = {getattr(engine, "name", engine.package): engine for engine in EXACT + ROUNDED}


def run(engine, task):
    if task["kind"] == "search":
        return engine.search(task["search"])
    if task["lesson"]:
        return engine.step(task) if task["kind"] == "step" else engine.pairs(task)
    return engine.ids(task["ids"]) if task["kind"] == "ids" else engine.texts(task["texts"])


def answer(engine, sets, line):
    command, task, argument = line.rstrip("\n").split(" ", 2)
    task = sets[int(task)]
    if command == "time":
        seconds = []
        for _ in range(int(argument)):
            start = time.perf_counter()
            run(engine, task)
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}
    if command == "write":
        answer = run(engine, task)
        values = np.ascontiguousarray(engine.trained(task) if task["lesson"] else answer, "<f4")
        values.tofile(argument)
        return {"written": values.size}
    raise ValueError(f"no command is called {command}")


def end_with_parent():
    """As in src/cpus.rs: a stopped process that nobody wakes again must not stay."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    end_with_parent()
    # What libraries print must not get among the answers: it goes to standard error.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, threads, sets, model, graphs = sys.argv[1:]
    try:
        with open(sets, encoding="utf-8") as file:
            sets = json.load(file)
        engine = ENGINES[name](int(threads), model, graphs)
        print(json.dumps({"ready": importlib.metadata.version(engine.package)}), file=answers)
        for line in sys.stdin:
            print(json.dumps(answer(engine, sets, line)), file=answers)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers)
        raise


if __name__ == "__main__":
    main()
