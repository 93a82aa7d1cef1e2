"""Index files, places of models, errors of files."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import MODEL, TEXTS
from minilm import Index, SentenceTransformer, weights
from minilm.weights import locate

NAME = "sentence-transformers/all-MiniLM-L6-v2"
COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"


def test_an_index_is_written_and_searched(model, embeddings, tmp_path):
    path = tmp_path / "texts.index"
    index = Index.write(path, model, TEXTS)
    assert len(index) == len(TEXTS) and list(index) == TEXTS and index[2] == TEXTS[2]
    assert np.array_equal(index.embeddings, embeddings)
    hits = index.search(model, "Someone is eating.", top_k=2)[0]
    assert {hit["text"] for hit in hits} <= {TEXTS[0], TEXTS[2]}
    assert index.search(model, []) == []
    assert len(Index.write(path, model, ["another"], append=True)) == len(TEXTS) + 1
    index = Index(path)
    index.check()
    with pytest.raises(IndexError, match="9 rows"):
        index[9]


def test_an_index_of_another_space_is_refused(model, tmp_path):
    path = tmp_path / "texts.index"
    Index.write(path, model, TEXTS, truncate_dim=64)
    assert Index(path).search(model, "a", truncate_dim=64)
    with pytest.raises(ValueError, match="dimensions"):
        Index(path).search(model, "a")


def test_a_broken_index_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing.index"):
        Index(tmp_path / "missing.index")
    (tmp_path / "broken.index").write_bytes(b"not an index")
    with pytest.raises(ValueError, match="broken.index is not an index"):
        Index(tmp_path / "broken.index")


def cache_of(folder):
    """A Hugging Face cache that has the model."""
    repository = folder / "models--sentence-transformers--all-MiniLM-L6-v2"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.parent.mkdir()
    os.symlink(MODEL, snapshot)
    return folder


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    """An environment whose cache is empty, without huggingface_hub."""
    for name in ("SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr(weights, "carried", lambda: None)


def test_a_path_is_a_place():
    assert locate(MODEL) == MODEL


def test_the_cache_is_a_place(no_cache, tmp_path, monkeypatch, embeddings):
    cache = cache_of(tmp_path / "cache")
    model = SentenceTransformer("all-MiniLM-L6-v2", cache_folder=str(cache))
    assert np.array_equal(model.encode(TEXTS[0]), embeddings[0])
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(cache))
    assert locate(NAME, revision=COMMIT, local_files_only=True).endswith(COMMIT)
    with pytest.raises(FileNotFoundError, match="1111"):
        locate(NAME, revision="1" * 40, local_files_only=True)


def test_a_package_is_a_place(no_cache, tmp_path, monkeypatch, embeddings):
    """A package of data announces its model by an entry point."""
    (tmp_path / "my_weights.py").write_text(f"def path():\n    return {MODEL!r}\n")
    info = tmp_path / "my_weights-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-weights\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[minilm.models]\n{NAME} = my_weights:path\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert np.array_equal(SentenceTransformer().encode(TEXTS[0]), embeddings[0])


def test_huggingface_hub_is_asked_last(no_cache, monkeypatch):
    import types

    asked = []

    def snapshot_download(name, **options):
        asked.append((name, options))
        return MODEL

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert locate("all-MiniLM-L6-v2", revision="main", token="t", cache_folder="c") == MODEL
    assert asked[0][0] == NAME
    assert asked[0][1]["revision"] == "main" and asked[0][1]["token"] == "t"
    assert asked[0][1]["cache_dir"] == "c"
    with pytest.raises(FileNotFoundError, match="local_files_only is set"):
        locate(NAME, local_files_only=True)


def test_a_model_that_is_nowhere_is_an_error(no_cache):
    with pytest.raises(FileNotFoundError, match="pip install huggingface_hub") as error:
        SentenceTransformer("all-MiniLM-L6-v2")
    assert "is not in the cache; looked for" in str(error.value)


def test_errors_of_files_have_the_librarys_sentences(tmp_path):
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    (model / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ValueError, match="model.safetensors"):
        SentenceTransformer(model)
    (model / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="config.json"):
        SentenceTransformer(model)
    with pytest.raises(FileNotFoundError, match="cannot read .*there-is-none"):
        SentenceTransformer(tmp_path / "there-is-none")


def test_the_types_of_the_package_hold(tmp_path):
    """mypy reads the stubs and the package strictly enough to find a wrong call."""
    pytest.importorskip("mypy")
    good = tmp_path / "good.py"
    good.write_text(
        "from minilm import Index, SentenceTransformer, util\n"
        "model = SentenceTransformer('m', threads=2)\n"
        "vectors = model.encode(['a'], precision='int8')\n"
        "hits = util.semantic_search(vectors, vectors)\n"
        "score: float = hits[0][0]['score']\n"
        "rows: int = len(Index('x'))\n"
    )
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from minilm import SentenceTransformer\nSentenceTransformer('m', threads='2')\n"
    )
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", str(tmp_path)]
    found = subprocess.run([*command, good], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert subprocess.run([*command, bad], capture_output=True).returncode == 1


def test_the_stubs_are_those_of_the_module(tmp_path):
    """stubtest compares names, parameters and their defaults with the compiled module."""
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"
    config.write_text(
        "[mypy]\nignore_missing_imports = true\ndisable_error_code = no-redef\n"
        f"cache_dir = {tmp_path}\n"
    )
    command = [sys.executable, "-m", "mypy.stubtest", "minilm._minilm", "--concise"]
    options = ["--ignore-disjoint-bases", "--mypy-config-file", config]
    found = subprocess.run([*command, *options], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_everything_public_is_documented():
    import inspect

    import minilm
    from minilm import compatible, documents, evaluation, index, losses, model, training, util

    modules = (compatible, documents, evaluation, index, losses, model, training, util, weights)
    for module in (minilm, *modules):
        assert module.__doc__
        for name, item in vars(module).items():
            ours = getattr(item, "__module__", "").startswith("minilm")
            if name.startswith("_") or not ours:
                continue
            assert inspect.getdoc(item), f"{module.__name__}.{name}"
            if inspect.isclass(item):
                for method, member in vars(item).items():
                    if inspect.isfunction(member) and not method.startswith("_"):
                        assert inspect.getdoc(member), f"{name}.{method}"
