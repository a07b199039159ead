"""What of a file counts in a digest, so that a long recording gives one quickly, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

END_BYTES, CHUNK_BYTES = 1 << 20, 1 << 22


def sha256_of(file: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes; OSError if it cannot be read."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def add_name_and_size(total: hashlib._Hash, name: str, file: Path) -> int:
    """Add what a file is called (wherever it lies) and how long it is; its bytes.

    Raises:
        OSError: It cannot be read.
    """
    size = file.stat().st_size
    total.update(f"{name}\0{size}\0".encode(errors="surrogateescape"))
    return size


def add_content(total: hashlib._Hash, file: Path, size: int, ends: bool) -> None:
    """Add the bytes of a file.

    Args:
        total: The digest.
        file: The file.
        size: Its bytes.
        ends: The first and the last MiB stand for it. Recorders write no change in the middle
            that keeps the size, and reading all of a fleet would take days.

    Raises:
        OSError: It cannot be read.
    """
    with file.open("rb") as stream:
        if ends and size > 2 * END_BYTES:
            total.update(stream.read(END_BYTES))
            stream.seek(-END_BYTES, 2)
        while chunk := stream.read(CHUNK_BYTES):
            total.update(chunk)
