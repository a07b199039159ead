"""Subregions and anchor nodes (D6)."""

import numpy as np
import pytest

from dalearn_ros.coding.grid import Grid
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import load_settings


def test_the_first_cell_is_centred_between_its_pixels():
    # Pixels 0..7 have their middle at 3.5.
    np.testing.assert_allclose(Grid(8).centers_px(0, 0), [3.5, 3.5])
    np.testing.assert_allclose(Grid(8).centers_px(2, 1), [11.5, 19.5])


def test_five_nodes_are_the_centre_and_the_centres_of_the_quarters():
    nodes = Grid(8, 5).nodes_px(0, 0)
    np.testing.assert_allclose(nodes, [[3.5, 3.5], [1.5, 1.5], [5.5, 1.5], [1.5, 5.5], [5.5, 5.5]])


@pytest.mark.parametrize("count", [1, 5, 9])
def test_nodes_lie_inside_their_cell_and_are_balanced(count):
    offsets = Grid(8, count).node_offsets_px
    assert offsets.shape == (count, 2)
    assert (np.abs(offsets) < 4).all()
    np.testing.assert_allclose(offsets.mean(axis=0), 0, atol=1e-12)


def test_shape_counts_whole_cells_only():
    assert Grid(8).shape(1280, 736) == (92, 160)
    with pytest.raises(ValueError, match="multiple"):
        Grid(8).shape(1283, 736)


def test_another_number_of_nodes_is_refused():
    with pytest.raises(SettingsError, match="one of 1, 5, 9"):
        load_settings(Grid, None, {"nodes": 4})
