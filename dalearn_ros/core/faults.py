"""Faults of the place: what the system says of disk, network or machine, and not of an input."""

from __future__ import annotations

import errno
from collections.abc import Iterator

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
OF_THE_PLACE = FULL | {
    *(errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.ENOTCONN, errno.EHOSTDOWN),
    *(errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EROFS),
}
# What SQLite says of them: no memory, disk I/O error, full, unable to open (no descriptor is left).
_OF_SQLITE = {7: errno.ENOMEM, 10: errno.EIO, 13: errno.ENOSPC, 14: errno.EMFILE}


def numbers_of(error: BaseException) -> set[int]:
    """What the system said (errno) below an error, also where its sentence hides the cause."""
    return set(_numbers(error))


def is_of_the_place(error: BaseException) -> bool:
    """Whether the same input may do another time."""
    return not OF_THE_PLACE.isdisjoint(_numbers(error))


def _numbers(error: BaseException | None) -> Iterator[int]:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            yield error.errno
        # The standard library's name and that of apsw, which rosbags reads with.
        code = getattr(error, "sqlite_errorcode", getattr(error, "result", None))
        if isinstance(code, int) and code & 0xFF in _OF_SQLITE:
            yield _OF_SQLITE[code & 0xFF]
        error = error.__cause__ or error.__context__
