"""What the editor's page is told, as JSON values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from dalearn_ros.attention.changes import changes
from dalearn_ros.attention.misrecognised import Verdict
from dalearn_ros.attention.pictures import Truth
from dalearn_ros.attention.queue import Entry
from dalearn_ros.attention.saved_maps import fits
from dalearn_ros.attention.seen import Seen
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.teacher_maps import TeacherMap
from dalearn_ros.attention.viewing import Answer
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain, printable
from dalearn_ros.landmarks.types import Labels

REACH_SHARE = 0.02  # of the image's width: how far a landmark may move under another map
Json = dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """What the page begins with.

    Attributes:
        who: Name to offer for new maps.
        who_given: Whether that name was given, and wins over the one that the browser remembers.
        erase_value: What *Erase* sets, 0 to 1 (A5).
        add_value: What *Add* sets, 0 to 1.

    Raises:
        InputError: A value that is not of 0 to 1.
    """

    who: str = ""
    who_given: bool = False
    erase_value: float = 0.0
    add_value: float = 1.0

    def __post_init__(self) -> None:
        for name in ("erase_value", "add_value"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option}: expected 0 to 1, found {getattr(self, name):g}.")


def start_json(session: Session, offer: Offer) -> Json:
    """What holds for the whole session; of the machine's folders only the name of the images'."""
    return {
        "names": list(session.viewer.names),
        "can_suppress": session.viewer.can_suppress,
        "weights": session.model["weights"],
        "synthesis": session.model["synthesis"],
        "value_tolerance": session.viewer.judging.value_tolerance,
        "data": printable(session.pictures.path.resolve().name),
        "images": len(session.pictures),
        "labelled": session.pictures.labelled,
        **dataclasses.asdict(offer),
    }


def entry_json(entry: Entry, edited: bool) -> Json:
    """A row of the queue; classes are numbers of the model's names."""
    verdict = entry.verdict
    found = {
        "index": entry.index,
        "name": entry.name,
        "score": entry.score,
        "edited": edited,
        "problem": entry.problem,
        "verdict": verdict_json(verdict),
    }
    return dict(plain(found))


def verdict_json(verdict: Verdict | None) -> Json | None:
    """What is wrong; None: unknown."""
    if verdict is None:
        return None
    return {
        "errors": dict(verdict.errors),
        "classes": list(verdict.classes),
        "branches": list(verdict.branches),
        "score": verdict.score,
    }


def answer_json(answer: Answer) -> Json:
    """``landmarks`` with class number, point and score; or ``probabilities``; or ``values``."""
    found = answer.observations
    if found is not None:
        rows = zip(found.class_id - 1, found.point_px, found.score)
        landmarks = [{"class": c, "point": point, "score": score} for c, point, score in rows]
        return dict(plain({"landmarks": landmarks}))
    if answer.probabilities is not None:
        return dict(plain({"probabilities": answer.probabilities}))
    return dict(plain({"values": answer.values}))


def truth_json(truth: Truth | None) -> Json | None:
    """What is true: ``landmarks`` with outlines, the number of the ``class``, or ``values``."""
    if truth is None:
        return None
    if isinstance(truth, int):
        return {"class": truth}
    if not isinstance(truth, Labels):
        return {"values": plain(list(truth))}
    rows = [
        {
            "class": int(truth.class_id[row]) - 1,
            "point": truth.point_px[row],
            "outline": np.asarray(truth.outlines_px[row]),
            "ignore": bool(truth.ignore[row]),
        }
        for row in range(len(truth))
    ]
    return dict(plain({"landmarks": rows}))


def edit_json(session: Session, seen: Seen, edit: TeacherMap | None) -> Json | None:
    """What is known of the corrected map there, without its cells; None: there is none."""
    if edit is None:
        return None
    same = edit.model.get("weights") == session.model["weights"]
    return {
        "revision": edit.revision,
        "who": edit.who,
        "when": edit.when,
        "made": edit.made,
        "note": edit.note,
        "cells": list(edit.attention.shape),
        "fits": fits(seen, edit),
        "same_model": same,
        "other_model": "" if same else str(edit.model.get("run", "")),
    }


def image_json(session: Session, seen: Seen) -> Json:
    """All about an image but its picture and its maps."""
    truth = session.pictures.truth(seen.index)
    edit, problem = None, ""
    try:
        edit = edit_json(session, seen, session.edit(seen))
    except InputError as error:
        problem = str(error)
    return {
        "index": seen.index,
        "name": session.pictures.name(seen.index),
        "digest": seen.digest,
        "size": list(seen.size_px),
        "shown": list(seen.shown_px),
        "network": list(seen.view.size_px),
        "cells": list(seen.view.attention.shape),
        "covered": list(seen.covered_px),
        "answer": answer_json(seen.before),
        "verdict": verdict_json(session.verdict(seen, seen.before)),
        "truth": truth_json(truth),
        "proposes": isinstance(truth, Labels),
        "edit": edit,
        "edit_problem": problem,
    }


def changed_json(session: Session, seen: Seen, answer: Answer) -> Json:
    """An answer under an edited map, and what differs from the one under the branch's own."""
    found: Json = {"answer": answer_json(answer)}
    found["verdict"] = verdict_json(session.verdict(seen, answer))
    before, after = seen.before.observations, answer.observations
    if before is not None and after is not None:
        reach = max(8.0, REACH_SHARE * seen.size_px[0])
        rows = changes(before, after, reach)
        found["changes"] = plain([row.__dict__ for row in rows])
    return found
