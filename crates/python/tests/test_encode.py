"""Shapes, dtypes and bits of ``encode``."""

import json
import logging
import os
import pathlib
import pickle
import re
import subprocess
import threading

import minilm
import numpy as np
import pytest
from conftest import MODEL, ROOT, TEXTS
from minilm import SentenceTransformer


def bits(array):
    return np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)


def same_bits(a, b):
    return np.array_equal(bits(a), bits(b))


def test_a_list_gives_a_matrix_and_a_str_a_vector(model, embeddings):
    assert embeddings.shape == (len(TEXTS), 384) and embeddings.dtype == np.float32
    one = model.encode(TEXTS[0])
    assert one.shape == (384,) and same_bits(one, embeddings[0])


def test_no_text_gives_what_the_original_gives(model):
    empty = model.encode([])
    assert empty.shape == (0,) and isinstance(empty, np.ndarray)
    assert model.encode([], precision="binary").shape == (0,)


def test_bits_do_not_depend_on_the_call(model, embeddings):
    for text, row in zip(TEXTS, embeddings):
        assert same_bits(model.encode(text), row)
    backwards = model.encode(TEXTS[::-1], batch_size=1)
    assert same_bits(backwards[::-1], embeddings)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bits_do_not_depend_on_threads(embeddings, threads):
    assert same_bits(SentenceTransformer(MODEL, threads=threads).encode(TEXTS), embeddings)


def test_bits_do_not_depend_on_the_instruction_set(embeddings):
    portable = SentenceTransformer(MODEL, level="portable")
    assert same_bits(portable.encode(TEXTS[:3]), embeddings[:3])


@pytest.mark.parametrize(("precision", "least"), [("int8", 0.997), ("int16", 0.99998)])
def test_integers_are_near_and_have_the_same_bits_everywhere(embeddings, precision, least):
    rounded = SentenceTransformer(MODEL, precision=precision)
    found = rounded.encode(TEXTS)
    assert found.dtype == np.float32 and not same_bits(found, embeddings)
    assert np.sum(found * embeddings, axis=1).min() > least
    portable = SentenceTransformer(MODEL, precision=precision, level="portable")
    assert same_bits(portable.encode(TEXTS[:3]), found[:3])
    assert same_bits(pickle.loads(pickle.dumps(rounded)).encode(TEXTS), found)
    assert rounded.space() != SentenceTransformer(MODEL).space()


@pytest.mark.parametrize("precision", ["f32", "int16", "int8"])
def test_bits_are_those_that_the_library_has_recorded(precision):
    """The same fifty texts and the same hash, FNV-1a, as in tests/recorded_bits.rs."""
    golden = json.loads((ROOT / "tests" / "golden" / "texts.json").read_text(encoding="utf-8"))
    texts = [text["text"] for text in golden if len(text["ids"]) <= 24][::4][:50]
    source = (ROOT / "tests" / "recorded_bits.rs").read_text(encoding="utf-8")
    recorded = dict(re.findall(r"\(Precision::(\w+), 0x(\w+)\),", source))
    recorded = int(recorded[precision.title()].replace("_", ""), 16)
    found = 0xCBF29CE484222325
    for byte in SentenceTransformer(MODEL, precision=precision).encode(texts).tobytes():
        found = (found ^ byte) * 0x100000001B3 % 2**64
    assert len(texts) == 50 and found == recorded


def test_bits_are_those_of_the_command_line(model, tmp_path):
    """With MINILM_PROGRAM, which `cargo xtask wheel` sets."""
    program = os.environ.get("MINILM_PROGRAM")
    if program is None:
        pytest.skip("MINILM_PROGRAM is not set")
    texts = [text for text in TEXTS if text and "\n" not in text]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    out = tmp_path / "vectors.npy"
    command = [program, "embed", "--model", MODEL, "--format", "npy"]
    subprocess.run([*command, "--input", file, "--output", out], check=True)
    assert same_bits(np.load(out), model.encode(texts))


def test_normalisation_and_truncation(model, embeddings):
    cut = model.encode(TEXTS, truncate_dim=64)
    assert same_bits(cut, embeddings[:, :64])
    unit = model.encode(TEXTS, truncate_dim=64, normalize_embeddings=True)
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    assert np.allclose(unit, cut / np.linalg.norm(cut, axis=1, keepdims=True), atol=1e-6)
    with model.truncate_embeddings(32):
        assert model.get_embedding_dimension() == 32
        assert model.encode("a").shape == (32,)
    assert model.encode("a").shape == (384,)
    assert model.encode("a", truncate_dim=5000).shape == (384,), "as a slice in the original"


def test_prompts(embeddings):
    model = SentenceTransformer(MODEL, prompts={"query": "query: ", "other": "o: "})
    assert model.prompts == {"query": "query: ", "document": "", "other": "o: "}
    prompted = model.encode("query: " + TEXTS[0])
    assert same_bits(model.encode_query(TEXTS[0]), prompted)
    assert same_bits(model.encode(TEXTS[0], prompt_name="query"), prompted)
    assert same_bits(model.encode(TEXTS[0], prompt="query: ", prompt_name="other"), prompted)
    assert same_bits(model.encode_document(TEXTS[0]), embeddings[0])
    model.default_prompt_name = "query"
    assert same_bits(model.encode(TEXTS[0]), prompted)
    assert same_bits(model.encode(TEXTS[0], prompt=""), embeddings[0])
    with pytest.raises(ValueError, match='no prompt "missing"; its prompts are: document, other'):
        model.encode("a", prompt_name="missing")
    with pytest.raises(ValueError, match="no prompt"):
        SentenceTransformer(MODEL, default_prompt_name="missing")


def test_max_seq_length_can_be_set(embeddings):
    model = SentenceTransformer(MODEL)
    assert model.max_seq_length == 256
    model.max_seq_length = 4
    assert same_bits(model.encode("one two three"), model.encode("one two"))
    model.max_seq_length = 256
    assert same_bits(model.encode(TEXTS), embeddings)
    with pytest.raises(ValueError, match="max_tokens: 513 is more than the model's 512 positions"):
        model.max_seq_length = 513
    with pytest.raises(ValueError, match="no room"):
        model.max_seq_length = 2


def test_token_embeddings(model):
    tokens = model.encode(["Hello", "Hello world"], output_value="token_embeddings")
    assert [array.shape for array in tokens] == [(3, 384), (4, 384)]
    alone = model.encode("Hello", output_value="token_embeddings")
    assert same_bits(alone, tokens[0])
    whole = model.encode("Hello world", output_value=None)
    assert whole["input_ids"].tolist() == [101, 7592, 2088, 102]
    assert whole["attention_mask"].tolist() == [1, 1, 1, 1]
    assert same_bits(whole["token_embeddings"], tokens[1])
    mean = whole["token_embeddings"].mean(axis=0)
    assert np.allclose(mean / np.linalg.norm(mean), whole["sentence_embedding"], atol=1e-6)


def test_tokenize_pads_to_the_longest(model):
    found = model.tokenize(["Hello", "Hello world"])
    assert found["input_ids"].tolist() == [[101, 7592, 102, 0], [101, 7592, 2088, 102]]
    assert found["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert model.dropped_tokens(["word " * 300, "a"]) == [46, 0]


def test_a_progress_bar_shows_every_text(model, capsys):
    texts = [f"text number {i}" for i in range(300)]
    silent = model.encode(texts, show_progress_bar=False)
    assert capsys.readouterr().err == ""
    assert same_bits(model.encode(texts, show_progress_bar=True), silent)
    shown = capsys.readouterr().err
    assert "300/300" in shown and "100%" in shown
    logger = logging.getLogger("minilm")
    logger.setLevel(logging.INFO)
    try:
        model.encode(texts)
    finally:
        logger.setLevel(logging.NOTSET)
    assert "300/300" in capsys.readouterr().err


def test_what_cannot_matter_is_accepted(model, embeddings):
    pool = model.start_multi_process_pool(["cpu", "cpu"])
    found = model.encode(TEXTS, batch_size=7, pool=pool, chunk_size=3, device="cpu")
    model.stop_multi_process_pool(pool)
    assert same_bits(found, embeddings)
    assert same_bits(model.encode_multi_process(TEXTS, pool), embeddings)
    assert same_bits(model.to("cpu").eval().cpu().encode(sentences=TEXTS), embeddings)
    SentenceTransformer(MODEL, device="cpu", model_kwargs={"dtype": "float32"}, token=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda"}, "device='cuda': minilm runs on the CPU only"),
        ({"device": ["cpu", "cuda:1"]}, "CPU only"),
        ({"precision": "float16"}, "Precision 'float16' is not supported"),
        ({"batch_size": 0}, "batch_size must be a positive integer, got 0."),
        ({"chunk_size": -1}, "chunk_size must be a positive integer"),
        ({"truncate_dim": 0}, "truncate_dim: 0 is not a positive integer"),
        ({"output_value": "logits"}, "there is no 'logits'"),
        ({"processing_kwargs": {}}, "additional keyword arguments"),
    ],
)
def test_what_would_matter_is_refused_by_name(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.encode(["a"], **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "mps"}, "CPU only"),
        ({"trust_remote_code": True}, "trust_remote_code"),
        ({"modules": [object()]}, "modules"),
        ({"backend": "onnx"}, "backend='onnx'"),
        ({"model_kwargs": {"attn_implementation": "eager"}}, "attn_implementation"),
        ({"processor_kwargs": {"padding_side": "left"}}, "processor_kwargs"),
        ({"config_kwargs": {"hidden_act": "relu"}}, "config_kwargs"),
        ({"similarity_fn_name": "maxsim"}, "maxsim"),
        ({"level": "avx1024"}, "avx1024"),
        ({"precision": "float16"}, "there are: f32, int16, int8"),
        ({"threads": 100000}, "threads"),
    ],
)
def test_a_model_refuses_what_it_cannot_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        SentenceTransformer(MODEL, **arguments)


def test_one_model_works_in_many_threads(model, embeddings):
    results = {}

    def work(i):
        results[i] = model.encode(TEXTS)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(same_bits(results[i], embeddings) for i in range(8))


def test_a_model_can_be_pickled(embeddings):
    model = SentenceTransformer(MODEL, prompts={"query": "q: "}, threads=1)
    model.max_seq_length = 128
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.max_seq_length, copy.prompts["query"]) == (128, "q: ")
    assert same_bits(copy.encode(TEXTS[:3]), embeddings[:3])


def test_windows_are_places_of_characters(model):
    document = "ein Wörtchen 🙂 mehr " * 200
    windows = model.encode_windows(document, stride=127)
    assert windows[0].start == 0 and windows[-1].end == len(document.rstrip())
    assert all(document[w.start : w.end] == document[w.start : w.end].strip() for w in windows)
    assert same_bits(
        windows[1].embedding, model.encode(document[windows[1].start : windows[1].end])
    )
    assert same_bits(model.encode_long("short"), model.encode("short"))
    assert model.encode_long(document).shape == (384,)
    with pytest.raises(ValueError, match="stride"):
        model.encode_windows(document, stride=1000)


def test_an_explanation_adds_up(model):
    why = model.explain("A man is eating food.", "Someone has a meal.")
    assert why.a[5] == "food" and why.b[4] == "meal" and why.pairs.shape == (8, 7)
    a, b = model.encode(["A man is eating food.", "Someone has a meal."])
    assert abs(why.pairs.sum() - float(a @ b)) < 1e-6


def test_results_belong_to_their_caller(model):
    first = model.encode(TEXTS[:2])
    first[:] = 0
    assert np.any(model.encode(TEXTS[:2]))


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert minilm.__version__ == version("minilm")
    assert "all-MiniLM-L6-v2" in repr(SentenceTransformer(pathlib.Path(MODEL)))
