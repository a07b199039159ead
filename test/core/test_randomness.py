"""Named random streams."""

from dalearn_ros.core.randomness import generator


def test_the_same_name_gives_the_same_stream_and_another_name_another() -> None:
    first = generator(7, "city", 1).random(4)
    assert (first == generator(7, "city", 1).random(4)).all()
    assert (first != generator(7, "city", 2).random(4)).all()
    assert (first != generator(8, "city", 1).random(4)).all()
