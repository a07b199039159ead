"""A ``with`` block ends with ``close``."""

from __future__ import annotations

import pytest

from dalearn_ros.core.closing import Closing


class _File(Closing):
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_it_is_closed_at_the_end() -> None:
    with _File() as file:
        assert (type(file), file.closed) == (_File, 0)
    assert file.closed == 1


def test_an_error_closes_it_and_goes_on() -> None:
    file = _File()
    with pytest.raises(KeyError), file:
        raise KeyError
    assert file.closed == 1
