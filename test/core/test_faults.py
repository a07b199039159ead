"""Faults of the place are known wherever they hide."""

from __future__ import annotations

import errno
import sqlite3

import apsw
import pytest

from dalearn_ros.core.errors import BagError
from dalearn_ros.core.faults import is_of_the_place, numbers_of


def hidden(cause: Exception) -> BagError:
    """As readers raise it."""
    try:
        try:
            raise cause
        except Exception:
            raise BagError("bag: cannot be read.") from None
    except BagError as error:
        return error


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("cause", "number"),
    [
        (OSError(errno.EIO, "x"), errno.EIO),
        (OSError(errno.ENOSPC, "x"), errno.ENOSPC),
        (apsw.exception_for(apsw.SQLITE_IOERR_READ), errno.EIO),
        (apsw.exception_for(apsw.SQLITE_CANTOPEN), errno.EMFILE),
        (of_sqlite(apsw.SQLITE_IOERR_READ), errno.EIO),
        (of_sqlite(apsw.SQLITE_FULL), errno.ENOSPC),
    ],
)
def test_the_place_is_at_fault(cause: Exception, number: int) -> None:
    error = hidden(cause)
    assert numbers_of(error) == {number} and is_of_the_place(error)


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOENT, "x"),
        OSError("no number"),
        ValueError("x"),
        apsw.exception_for(apsw.SQLITE_CORRUPT),
        of_sqlite(apsw.SQLITE_NOTADB),
        sqlite3.OperationalError("no code"),
    ],
)
def test_the_input_is_at_fault(cause: Exception) -> None:
    assert not is_of_the_place(hidden(cause))
