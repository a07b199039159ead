"""When training has converged (D15)."""

from dalearn_ros.training.convergence import Convergence


def _steps(watch, values):
    for number, value in enumerate(values, start=1):
        if watch.update(value):
            return number
    return None


def test_it_stops_after_patience_windows_without_progress():
    watch = Convergence(window=2, patience=3, tolerance=0.01)
    # Windows: 4.0 and 2.0 progress; then three at 2.0 do not: step 4 + 3 * 2.
    assert _steps(watch, [4.0, 4.0] + [2.0] * 20) == 10


def test_small_progress_does_not_count_and_large_progress_resets():
    watch = Convergence(window=1, patience=2, tolerance=0.1)
    assert _steps(watch, [10.0, 9.5, 8.0, 7.9, 7.8]) == 5


def test_without_patience_it_never_stops():
    assert _steps(Convergence(1, 0, 0.0), [1.0] * 50) is None
