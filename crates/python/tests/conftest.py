"""What the tests share: the repository's model and some texts."""

import os
import pathlib
import signal

import pytest
from minilm import SentenceTransformer

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODEL = str(pathlib.Path(os.environ.get("MINILM_MODEL", ROOT / "weights" / "all-MiniLM-L6-v2")))

TEXTS = [
    "A man is eating food.",
    "",
    "Someone has a meal.",
    "The sky is clear tonight.",
    "Ünïcödé, 中文 and emoji 🙂 in one text",
    "many words " * 200,
    "A man is eating food.",
    "x",
]

# In the background of a shell, tests and their children inherit that Ctrl-C is ignored.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model():
    return SentenceTransformer(MODEL)


@pytest.fixture(scope="session")
def embeddings(model):
    return model.encode(TEXTS)
