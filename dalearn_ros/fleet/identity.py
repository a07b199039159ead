"""Whether a file or bag is the one that it was: a digest that also a long bag gives quickly."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dalearn_ros.core.errors import BagError

ENDS_BYTES = 1 << 20


def identity_of(bag: Path) -> str:
    """SHA-256 (hexadecimal) of the names, sizes, first and last MiB of a bag's files.

    The same wherever the bag lies. A change in the middle of a file that keeps its size is not
    seen: recorders write no such change, and reading all of a fleet would take days.

    Raises:
        BagError: There is no such bag, or it cannot be read.
    """
    total = hashlib.sha256()
    try:
        files = [bag] if bag.is_file() else sorted(p for p in bag.rglob("*") if p.is_file())
        if not files:
            found = "an empty folder" if bag.is_dir() else "no such file or folder"
            raise BagError.at(bag, "", "a bag", found)
        for file in files:
            name = file.suffix if bag.is_file() else str(file.relative_to(bag))
            size = file.stat().st_size
            total.update(f"{name}\0{size}\0".encode(errors="surrogateescape"))
            with file.open("rb") as stream:
                total.update(stream.read(ENDS_BYTES))
                stream.seek(max(ENDS_BYTES, size - ENDS_BYTES))
                total.update(stream.read(ENDS_BYTES))
    except OSError as error:
        raise BagError(f"{bag}: cannot be read ({error.strerror}).") from None
    return total.hexdigest()
