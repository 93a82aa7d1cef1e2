"""The Python code of the README and of the book's chapter runs, and prints what they say."""

import contextlib
import io
import re

import pytest
from conftest import ROOT
from test_files import cache_of

BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
PAGES = ["crates/python/README.md", "docs/15-python.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(cache_of(tmp_path / "cache")))
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    names = {}
    for code, wanted in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), names)
        if wanted:
            assert printed.getvalue() == wanted, code
