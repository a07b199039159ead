"""What counts as the same in two replays."""

import numpy as np

from benchmarks.replay_agreement import ROW, _pixels


def test_a_track_and_a_place_in_metres_do_not_count():
    one = np.zeros(3, ROW)
    other = one.copy()
    other["track_id"], other["z"] = 7, 12.5
    assert _pixels(one.tobytes()) == _pixels(other.tobytes())
    other["score"] = 0.5
    assert _pixels(one.tobytes()) != _pixels(other.tobytes())
