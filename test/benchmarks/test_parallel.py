"""Results that several processes make together."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from benchmarks.parallel import awaited, claimed


def test_a_result_is_made_once_and_by_one(tmp_path: Path) -> None:
    file = tmp_path / "results" / "one.json"
    with claimed(file) as mine:
        assert mine
        with claimed(file) as other:  # another process, meanwhile
            assert not other
        file.write_text("{}", encoding="utf-8")
    with claimed(file) as again:
        assert not again
    assert [path.name for path in file.parent.iterdir()] == ["one.json"]


def test_a_failed_run_leaves_no_claim(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    with pytest.raises(RuntimeError), claimed(file):
        raise RuntimeError("stopped")
    with claimed(file) as mine:
        assert mine


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    place, seen = tmp_path / "runs" / "one", []

    def work() -> None:
        with awaited(place):
            seen.append("second")

    with awaited(place):
        other = threading.Thread(target=work)
        other.start()
        other.join(0.2)
        assert other.is_alive()
        seen.append("first")
    other.join()
    assert seen == ["first", "second"]
