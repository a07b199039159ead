"""Which subregions and anchors a step learns from (D13, D14, D20)."""

import pytest
import torch

from dalearn_ros.detector.selection import SelectionSettings, select_anchors, select_cells

# Two images of 1 x 6 cells: two landmark cells and one ignored; none at all.
CLASS_ID = torch.tensor([[[3, 3, 0, 0, 0, -1]], [[0, 0, 0, 0, 0, 0]]])
HARDNESS = torch.tensor([[[9.0, 9.0, 0.1, 0.3, 0.2, 9.0]], [[0.0, 5.0, 4.0, 3.0, 2.0, 1.0]]])


def _cells(**changes):
    return select_cells(CLASS_ID, HARDNESS, SelectionSettings(**changes))[:, 0].int().tolist()


def test_all_but_the_ignored():
    assert _cells(cells="all") == [[1, 1, 1, 1, 1, 0], [1] * 6]


def test_landmarks_only():
    assert _cells(cells="landmark") == [[1, 1, 0, 0, 0, 0], [0] * 6]


def test_the_hardest_background_in_its_ratio():
    found = _cells(background_ratio=0.5, background_floor=0)
    assert found == [[1, 1, 0, 1, 0, 0], [0] * 6]
    found = _cells(background_ratio=1.0, background_floor=0)
    assert found == [[1, 1, 0, 1, 1, 0], [0] * 6]


def test_a_floor_for_images_without_a_landmark():
    found = _cells(background_ratio=0.5, background_floor=2)
    assert found == [[1, 1, 0, 1, 1, 0], [0, 1, 1, 0, 0, 0]]


def test_never_more_than_there_are():
    assert _cells(background_ratio=100.0) == [[1, 1, 1, 1, 1, 0], [1] * 6]


def test_random_background_is_as_many_and_varies():
    torch.manual_seed(0)
    class_id = torch.zeros(1, 10, 10, dtype=torch.int64)
    class_id[0, 0, :4] = 2
    class_id[0, 9] = -1
    settings = SelectionSettings(background="random", background_ratio=2.0, background_floor=0)
    drawn = [select_cells(class_id, torch.zeros(1, 10, 10), settings) for _ in range(5)]
    for chosen in drawn:
        assert int((chosen & (class_id == 0)).sum()) == 8
        assert (chosen[class_id > 0]).all()
        assert not chosen[class_id < 0].any()
    assert any(not torch.equal(drawn[0], other) for other in drawn[1:])


CONFIDENCE = torch.tensor([[0.1, 0.9, 0.5, 0.3, 0.2], [0.02, 0.01, 0.05, 0.04, 0.03]])


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"anchors": "all"}, [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]),
        ({"anchors": "best"}, [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]),
        ({"anchors": "top", "top_anchors": 3}, [[0, 1, 1, 1, 0], [0, 0, 1, 1, 1]]),
        ({"anchors": "top", "top_anchors": 9}, [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]),
        ({"anchors": "all", "anchor_threshold": 0.25}, [[0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]),
        ({"anchors": "top", "top_anchors": 2, "anchor_threshold": 0.6},
         [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]),
        ({"anchors": "best", "anchor_threshold": 1.0}, [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]),
    ],
)  # fmt: skip
def test_anchors(changes, expected):
    found = select_anchors(CONFIDENCE, SelectionSettings(**changes))
    assert found.int().tolist() == expected
