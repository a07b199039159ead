"""What a watcher is told of tracked work."""

from __future__ import annotations

import pytest

from dalearn_ros.core import progress


def test_a_watcher_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    told: list[tuple[str, int, int | None]] = []
    with progress.watch(lambda *words: told.append(words)):
        assert list(progress.track("abc", label="letters")) == ["a", "b", "c"]
        assert list(progress.track(iter("de"), 5, "more", start=3)) == ["d", "e"]
    assert list(progress.track("f")) == ["f"]
    letters = [("letters", done, 3) for done in (1, 2, 3)]
    assert told == [*letters, ("more", 4, 5), ("more", 5, 5)]


def test_it_is_not_told_too_often_but_of_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 100.1, 100.15, 100.25, 100.26])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    told: list[int] = []
    with progress.watch(lambda _, done, total: told.append(done)):
        list(progress.track(range(5), label="steps"))
    assert told == [1, 4, 5]  # at 100.0, 0.25 s later, and the last


def test_what_a_watcher_raises_comes_out_and_it_is_forgotten() -> None:
    def stop(label: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress.watch(stop):
        list(progress.track(range(3)))
    assert list(progress.track(range(3))) == [0, 1, 2]
