"""The model inside the package: found after every other place, and never taken in silence."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import MODEL, TEXTS
from minilm import SentenceTransformer, weights
from test_files import no_cache  # noqa: F401, a fixture

PROGRAM = os.environ.get("MINILM_PROGRAM")


@pytest.fixture(scope="module")
def rounded(tmp_path_factory):
    """The model with weights of eight bits: that of the package, or one like it."""
    if (path := weights.carried()) is not None:
        return path
    if PROGRAM is None:
        pytest.skip("MINILM_PROGRAM does not name the program, which rounds weights")
    path = tmp_path_factory.mktemp("models") / "all-MiniLM-L6-v2-int8"
    subprocess.run([PROGRAM, "--quiet", "quantize-model", MODEL, "--output", path], check=True)
    return str(path)


@pytest.fixture
def carried(rounded, no_cache, monkeypatch):  # noqa: F811
    """A package that carries the model, where it is nowhere else."""
    monkeypatch.setattr(weights, "carried", lambda: rounded)
    return rounded


def test_the_package_gives_its_own_model_and_says_so(carried, caplog):
    with caplog.at_level(logging.WARNING, logger="minilm"):
        model = SentenceTransformer()
    assert model.precision == "int8" and "precision='int8'" in repr(model)
    assert "weights of 8 bits (precision 'int8')" in caplog.text
    expected = SentenceTransformer(carried).encode(TEXTS)
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        assert np.array_equal(SentenceTransformer(name).encode(TEXTS), expected)
    cosines = (expected * SentenceTransformer(MODEL).encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.99


def test_nothing_is_said_where_eight_bits_are_asked_for(carried, caplog):
    with caplog.at_level(logging.WARNING, logger="minilm"):
        model = SentenceTransformer(precision="int8", local_files_only=True)
    assert model.precision == "int8" and caplog.text == ""


@pytest.mark.parametrize("precision", ["f32", "int16"])
def test_another_precision_than_that_of_the_package_is_an_error(carried, precision):
    with pytest.raises(FileNotFoundError) as error:
        SentenceTransformer(precision=precision)
    assert f"with weights of int8, not {precision}: ask for precision='int8'" in str(error.value)
    assert "pip install huggingface_hub" in str(error.value)
    assert "feature `download`" not in str(error.value)
    with pytest.raises(ValueError, match=f"the weights are int8, not {precision}"):
        SentenceTransformer(carried, precision=precision)


def test_the_package_has_no_other_model_and_no_other_revision(carried):
    with pytest.raises(FileNotFoundError, match="paraphrase"):
        SentenceTransformer("paraphrase-MiniLM-L3-v2")
    with pytest.raises(FileNotFoundError, match="1111"):
        SentenceTransformer(revision="1" * 40)


def test_a_download_that_fails_leaves_the_packages_own_model(carried, monkeypatch):
    import types

    def snapshot_download(name, **options):
        raise FileNotFoundError("the hub cannot be reached")

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert SentenceTransformer().precision == "int8"
    with pytest.raises(FileNotFoundError, match="the hub cannot be reached; this package carries"):
        SentenceTransformer(precision="f32")
    monkeypatch.setattr(weights, "carried", lambda: None)
    with pytest.raises(FileNotFoundError, match="the hub cannot be reached"):
        SentenceTransformer()


def test_other_places_come_first(carried, monkeypatch):
    monkeypatch.setattr(weights, "_packaged", lambda name: MODEL)
    assert SentenceTransformer().precision == "f32"


@pytest.mark.skipif(weights.carried() is None, reason="this wheel carries no model")
def test_the_wheel_alone_is_enough(tmp_path):
    """In an empty folder, without a cache, a network or another package than NumPy."""
    script = """
import socket
def refuse(*args): raise AssertionError("the network was touched")
socket.socket.connect = refuse
from minilm import SentenceTransformer
model = SentenceTransformer()
print(model.precision, model.encode(["a text"]).shape)
"""
    environment = {"HF_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "int8 (1, 384)\n"
