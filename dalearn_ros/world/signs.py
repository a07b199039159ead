"""Sign faces of three countries."""

from __future__ import annotations

from dalearn_ros.world.sign_face import SignFace
from dalearn_ros.world.signs_korea import korea
from dalearn_ros.world.signs_mutcd import mutcd
from dalearn_ros.world.signs_vienna import vienna

__all__ = ["SignFace", "faces"]


def faces(country: str) -> list[SignFace]:
    """All sign faces of ``vienna``, ``korea`` or ``mutcd``."""
    return {"vienna": vienna, "korea": korea, "mutcd": mutcd}[country]()
