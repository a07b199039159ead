"""The benchmark of the attention branch's cost, on tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_attention_model import write_tiny_attention_model
from helpers.tiny_model import write_tiny_model

pytest.importorskip("torch")

from benchmarks import attention_cost


def test_the_ratio_is_the_median_of_the_turns() -> None:
    row = attention_cost.row_of("it", 1, [10.0, 20.0, 10.0], [11.0, 21.0, 12.0])
    assert row["ratio"] == pytest.approx(1.1)
    assert row["middle half"] == "1.075 to 1.150"
    assert (row["without, ms"], row["with the branch, ms"]) == (10.0, 12.0)


def test_both_files_take_turns_and_the_map_is_fetched_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_cost, "SIZE", (100, 60))
    monkeypatch.setattr(attention_cost, "THREADS", (1,))
    monkeypatch.setattr(attention_cost, "PAUSE_S", 0.0)
    seen = []
    real = attention_cost.one_turn

    def watched(detector, image):
        seen.append(detector.metadata.attention is not None)
        return real(detector, image)

    monkeypatch.setattr(attention_cost, "one_turn", watched)
    files = {
        attention_cost.PLAIN: write_tiny_model(tmp_path / "plain.onnx"),
        attention_cost.BRANCH: write_tiny_attention_model(tmp_path / "branch.onnx"),
    }
    rows = attention_cost.measure(files, 2)
    assert seen[-4:] == [True, False, False, True]
    assert len(seen) == 2 * (attention_cost.WARM_UP + 2)
    wanted = ("NETWORK", "MAP", "ANSWER", "ALL", "PICTURE")
    assert [row["what"] for row in rows] == [getattr(attention_cost, name) for name in wanted]
    assert len({tuple(row) for row in rows}) == 1  # the same columns
    assert rows[0]["without, ms"] == rows[1]["without, ms"]
    assert all(row["with the branch, ms"] > 0.0 for row in rows)
