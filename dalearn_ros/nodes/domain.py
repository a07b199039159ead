"""A ROS domain of one's own, so that two runs on one machine do not hear each other."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dalearn_ros.core.errors import InputError

DOMAINS = range(1, 102)  # above 101 the ports collide with those that Linux hands out


@contextlib.contextmanager
def own_domain() -> Iterator[int]:
    """Hold a number in 1..101 that no other run of this machine holds.

    The lock is a file in the temporary folder; it ends with the process, however that ends.

    Yields:
        The number, for ``ROS_DOMAIN_ID``.

    Raises:
        InputError: All are taken.
    """
    first = os.getpid() % len(DOMAINS)
    for domain in [*DOMAINS[first:], *DOMAINS[:first]]:
        path = Path(tempfile.gettempdir()) / f"dalearn_ros_domain_{domain}_{os.getuid()}.lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    raise InputError("all ROS domains from 1 to 101 are taken; end some of the other runs first.")
