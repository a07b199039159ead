"""What people look at: coloured index images, panels side by side, the distribution graph."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dalearn_ros.hard_examples.graph import COLOURS, draw_graph
from dalearn_ros.hard_examples.light_table import Cell
from dalearn_ros.hard_examples.pictures import evenly
from dalearn_ros.hard_examples.statistics import Distribution
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.view import PALETTE, colour_index, side_by_side
from dalearn_ros.labels.area_settings import AREAS, SKY


def parameter(mean: float, std: float) -> Parameter:
    cell = Cell("night", "rain", "sky")
    return Parameter.new(cell, Distribution((mean, 0.0, 0.0), (std, 1.0, 1.0)), 100, target=1)


def point_of(mean: float, std: float) -> tuple[int, int]:
    """Where the graph puts it: 610 px for L* 0 to 100, 530 px for deviations 0 to 20."""
    return round(70 + 6.1 * mean), round(50 + 530 - 26.5 * std)


def test_the_graph_shows_used_parameters_filled() -> None:
    open_one, used = (
        parameter(20.0, 5.0),
        dataclasses.replace(parameter(60.0, 15.0), used=2, accuracy=0.3),
    )
    picture = draw_graph([open_one, used], "sky")
    assert picture.shape == (640, 900, 3)
    (u, v), (u2, v2) = point_of(20.0, 5.0), point_of(60.0, 15.0)
    assert picture[v, u].tolist() != list(COLOURS[0])  # a ring
    assert picture[v2, u2].tolist() == list(COLOURS[0])
    beside = picture[v2 - 14 : v2 - 3, u2 + 7 : u2 + 40]
    assert (beside.sum(axis=2) < 400).any()  # its accuracy


def test_an_empty_graph_is_one() -> None:
    assert draw_graph([]).shape == (640, 900, 3)


def test_generated_parameters_are_squares() -> None:
    made = dataclasses.replace(parameter(50.0, 15.0), target=None, parent=1, used=1)
    picture = draw_graph([made])
    u, v = point_of(50.0, 15.0)
    assert picture[v - 4, u - 4].tolist() == list(COLOURS[0])  # a circle would leave the corner


def test_colours_of_an_index_image() -> None:
    index = np.full((200, 300), SKY, np.uint8)
    picture = colour_index(index, AREAS)
    assert picture.shape == (200, 300, 3)
    assert picture[150, 150].tolist() == PALETTE[SKY].tolist()


@pytest.mark.parametrize("count, shape", [(1, (1, 1)), (2, (1, 2)), (5, (3, 2))])
def test_panels_side_by_side(count: int, shape: tuple[int, int]) -> None:
    image = np.full((90, 160, 3), 77, np.uint8)
    made = side_by_side([(f"picture {i}", image) for i in range(count)], 400)
    assert made.shape[1] == 400 * shape[1]
    assert made.shape[0] == shape[0] * (26 + 6 + round(90 * 394 / 160))
    assert (made[100, 100] == 77).all()


def test_images_of_different_shapes_stand_in_one_row() -> None:
    wide, tall = np.zeros((50, 200, 3), np.uint8), np.zeros((200, 50, 3), np.uint8)
    assert side_by_side([("a", wide), ("b", tall)], 100).shape == (26 + 6 + 376, 200, 3)


def test_evenly_chosen_images() -> None:
    assert evenly(10, None) == set(range(10))
    assert evenly(10, 3) == {0, 4, 9}
    assert evenly(2, 5) == {0, 1}
    assert evenly(5, 1) == {0}
