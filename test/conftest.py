"""What all tests share: repeatable property tests, a ROS domain a worker, real data."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests say `from helpers.x import y`
cv2.setNumThreads(1)
# A shell that runs the suite in the background lets it ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile(
    "suite", deadline=None, database=None, derandomize=True, max_examples=50
)
hypothesis.settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on DDS share one worker, so that they do not compete for the processor."""
    for item in items:
        if item.get_closest_marker("dds"):
            item.add_marker(pytest.mark.xdist_group("dds"))


@pytest.fixture(scope="session")
def ros_domain() -> Iterator[int]:
    """A ROS domain that no other run on this machine uses, in the environment too."""
    from dalearn_ros.nodes.domain import own_domain

    with own_domain() as domain:
        before = os.environ.get("ROS_DOMAIN_ID")
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        yield domain
        if before is None:
            del os.environ["ROS_DOMAIN_ID"]
        else:
            os.environ["ROS_DOMAIN_ID"] = before


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of photographs and drives that DALEARN_REAL_DATA names; skips where it is not."""
    named = os.environ.get("DALEARN_REAL_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("real data: DALEARN_REAL_DATA names no folder")
    return Path(named)
