"""Debian's Chromium, driven without a screen; a module that imports this is skipped without it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MARKS = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A browser; the test is skipped where it does not start."""
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        try:
            started = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        except playwright.Error as error:  # such as Ubuntu's, which only installs a snap
            pytest.skip(f"{CHROMIUM} does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()
