"""When pseudo labels have run away."""

import numpy as np
import pytest

from dalearn_ros.adaptation.collapse import CollapseSettings, collapsed

NAMES = ("background", "sign", "signal", "arrow")
SETTINGS = CollapseSettings(factor=3.0, class_share=0.3)
FIRST = np.array([0, 20, 20, 20])


@pytest.mark.parametrize(
    ("now", "word"),
    [
        ([0, 20, 20, 20], ""),
        ([0, 40, 40, 40], ""),
        ([0, 61, 60, 60], "3.0 times as many"),
        ([0, 7, 6, 6], "background"),
        ([0, 0, 0, 0], "background"),
        ([0, 38, 11, 11], ""),
        ([0, 39, 11, 11], "sign among the pseudo labels rose from 33% to 64%"),
    ],
)
def test_shares_of_background_and_classes(now, word):
    found = collapsed(FIRST, np.array(now), NAMES, SETTINGS)
    assert word in found if word else found == ""


def test_nothing_at_first_is_no_measure():
    assert collapsed(np.zeros(4, int), FIRST, NAMES, SETTINGS) == ""
