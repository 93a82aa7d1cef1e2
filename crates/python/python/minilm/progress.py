"""A bar that shows the progress of a long call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Line:
    """A bar on one line of standard error, for Pythons without ``tqdm``."""

    WIDTH = 30

    def __init__(self, total: int, desc: str) -> None:
        self.total, self.desc, self.n = total, desc, 0
        self.update(0)

    def update(self, n: int) -> None:
        self.n += n
        share = self.n / self.total if self.total else 1.0
        bar = ("#" * int(share * self.WIDTH)).ljust(self.WIDTH)
        sys.stderr.write(f"\r{self.desc}: {share:4.0%}|{bar}| {self.n}/{self.total}")
        sys.stderr.flush()

    def close(self) -> None:
        sys.stderr.write("\n")
        sys.stderr.flush()


@contextmanager
def bar(total: int, show: bool, desc: str = "Texts") -> Iterator[Callable[[int], None] | None]:
    """A function that takes the number of texts that are done, or ``None`` if nothing is shown."""
    if not show:
        yield None
        return
    try:
        from tqdm.auto import tqdm

        line = tqdm(total=total, desc=desc)
    except ImportError:
        line = Line(total, desc)

    def report(done: int) -> None:
        line.update(done - line.n)

    try:
        yield report
        report(total)
    finally:
        line.close()
