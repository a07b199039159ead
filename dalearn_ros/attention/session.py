"""A model, images and a folder of corrected maps: what the editor's page asks for.

All of it computes; call it from one thread (:class:`~dalearn_ros.attention.worker.Worker`).
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.misrecognised import Verdict, judge
from dalearn_ros.attention.pictures import Pictures
from dalearn_ros.attention.proposals import known_cells, proposed_map
from dalearn_ros.attention.queue import Entry, Queue
from dalearn_ros.attention.saved_maps import same_in_file, with_own_cells
from dalearn_ros.attention.seen import Seen, in_original, see
from dalearn_ros.attention.teacher_maps import UNJUDGED, TeacherMap, TeacherMaps
from dalearn_ros.attention.viewing import Answer, Viewer
from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.core.files import printable
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float32]
KEPT_BYTES = 256 << 20  # of features


class Session:
    """See the module.

    Args:
        viewer: The model.
        pictures: The images.
        maps: Where corrected maps are kept.
        model: What to write into a map about the model: ``run``, ``weights``, ``synthesis``.
        kept_bytes: How much memory the features of the last images may take; that of the last one
            is always kept.

    Attributes:
        queue: The images with what was misrecognised.
    """

    def __init__(
        self,
        viewer: Viewer,
        pictures: Pictures,
        maps: TeacherMaps,
        model: Mapping[str, Any],
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.viewer, self.pictures, self.maps = viewer, pictures, maps
        self.model = dict(model)
        self._kept_bytes = kept_bytes
        self._hash_first = bool(maps.digests())
        self._kept: collections.OrderedDict[int, Seen] = collections.OrderedDict()
        names = [pictures.name(index) for index in range(len(pictures))]
        self.queue = Queue(names, self._judged, lambda index: self._read(index)[1])

    def advance(self) -> bool:
        """Go on judging images; False: all are judged."""
        return self.queue.advance(self._hash_first)

    def look(self, index: int, keep: bool = True) -> Seen:
        """See an image; what was seen lately is kept while its file stays as it is.

        Raises:
            DatasetError: The image is gone or cannot be read.
        """
        kept = self._kept.pop(index, None)
        if kept is not None and kept.stamp == _stamp(self.pictures.file(index)):
            self._kept[index] = kept
            return kept
        try:
            encoded, digest, stamp = self._read(index)
            seen = see(self.viewer, encoded, self.pictures.file(index), index, digest, stamp)
        except DatasetError as error:
            told = DatasetError(printable(str(error)))
            self.queue.put(_unusable(self.queue.entry(index), told))
            raise told from None
        if keep:
            self._kept[index] = seen
            sizes = [_features(one) for one in self._kept.values()]
            while len(self._kept) > 1 and sum(sizes) > self._kept_bytes:
                self._kept.popitem(last=False)
                sizes.pop(0)
            self.queue.put(self._entry(seen))
        return seen

    def answer(self, seen: Seen, attention: Array | None) -> Answer:
        """The answer under a map (h, w) of 0 to 1, in the pixels of the file's image."""
        return in_original(self.viewer.answer(seen.view, attention), seen.to_original)

    def verdict(self, seen: Seen, answer: Answer) -> Verdict | None:
        """What is wrong with an answer; None: the truth is unknown."""
        truth = self.pictures.truth(seen.index)
        if truth is None:
            return None
        return judge(answer, seen.view, truth, self.viewer.judging)

    def proposal(self, seen: Seen) -> Array | None:
        """The map (h, w) that the labels ask for; None without labels that have a place.

        Where they do not say, on ignored landmarks, it is the branch's own.
        """
        truth = self.pictures.truth(seen.index)
        if not isinstance(truth, Labels):
            return None
        own = seen.view.attention
        wanted = proposed_map(truth, (own.shape[0], own.shape[1]), seen.covered_px)
        return np.where(known_cells(truth, wanted, seen.covered_px) > 0, wanted, own)

    def edit(self, seen: Seen) -> TeacherMap | None:
        """The corrected map there; None: none.

        Cells that its 16 bits cannot tell from the branch's own have the branch's value, so that
        they stay as they are bit by bit.
        """
        found = self.maps.read(seen.digest)
        return None if found is None else with_own_cells(seen, found)

    def save(
        self,
        seen: Seen,
        attention: Array,
        who: str,
        note: str,
        revision: int,
        imported: bool = False,
    ) -> TeacherMap:
        """Write a corrected map.

        Args:
            seen: The image.
            attention: (h, w) 0 to 1, all finite.
            who: Who made it.
            note: What its maker wants to say; of an imported map, where it is from.
            revision: Of the map that was seen before; 0: none was.
            imported: Whether it was drawn elsewhere, changed here or not.

        Raises:
            EditConflict: Somebody else wrote meanwhile; nothing is changed.
            InputError: Nobody's name, or the disk is full or not writable.
        """
        if not who.strip():
            raise InputError("A corrected map needs the name of who made it; write yours.")
        if imported and not note.strip():
            raise InputError("A map from elsewhere needs a note that says where it is from.")
        proposal = self.proposal(seen)
        confirmed = proposal is not None and bool(same_in_file(proposal, attention).all())
        made = "imported" if imported else "map" if confirmed else "hand"
        verdict = self.verdict(seen, seen.before)
        now = datetime.datetime.now(datetime.timezone.utc)
        edit = TeacherMap(
            seen.digest,
            attention,
            seen.size_px,
            seen.covered_px,
            self.pictures.name(seen.index),
            made,
            who.strip(),
            now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            self.model,
            UNJUDGED if verdict is None else ",".join(verdict.branches),
            note.strip(),
            revision,
        )
        try:
            return self.maps.write(edit)
        except OSError as error:
            raise InputError(f"{self.maps.path}: cannot be written ({error.strerror}).") from None

    def _read(self, index: int) -> tuple[bytes, str, tuple[int, int]]:
        file = self.pictures.file(index)
        try:
            stamp = _stamp(file)
            encoded = file.read_bytes()
        except FileNotFoundError:
            raise DatasetError.at(file, "", "an image", "no such file") from None
        except OSError as error:
            raise DatasetError(f"{file}: cannot be read ({error.strerror}).") from None
        return encoded, hashlib.sha256(encoded).hexdigest(), stamp

    def _judged(self, entry: Entry) -> Entry:
        try:
            return self._entry(self.look(entry.index, keep=False))
        except InputError as error:
            return _unusable(entry, error)
        except (RuntimeError, MemoryError, cv2.error) as error:
            text = f"{entry.name}: the model failed on it ({type(error).__name__}: {error})."
            return _unusable(entry, InputError(text))

    def _entry(self, seen: Seen) -> Entry:
        verdict = self.verdict(seen, seen.before)
        score = verdict.score if verdict else _lowest(seen.before)
        name = self.pictures.name(seen.index)
        return Entry(seen.index, name, seen.digest, True, "", verdict, score)


def _stamp(file: Path) -> tuple[int, int]:
    """What changes when a file does; (0, 0) of one that is gone."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _features(seen: Seen) -> int:
    """Bytes that an image takes while it is kept."""
    features = seen.view.features
    return features.numel() * features.element_size() + len(seen.picture)


def _lowest(answer: Answer) -> float | None:
    """The lowest score of what was seen; None: nothing was, or there are no scores."""
    if answer.observations is not None:
        return float(answer.observations.score.min()) if len(answer.observations) else None
    return None if answer.probabilities is None else float(answer.probabilities.max())


def _unusable(entry: Entry, error: InputError) -> Entry:
    return dataclasses.replace(entry, judged=True, problem=printable(str(error)))
