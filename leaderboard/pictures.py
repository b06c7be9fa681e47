"""The pictures of questions, copied from data set folders into the site."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.files import write_bytes
from leaderboard.shards import Pictures
from sat_tasks.data import DataSet, encoded_pictures, open_data_set, read_questions

FOLDER = "pictures"
_ENDINGS = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"RIFF": "webp"}


@dataclass(frozen=True)
class Gallery:
    """The data sets whose pictures a build may use, by their revision."""

    data: dict[str, DataSet]

    @classmethod
    def open(cls, folders: Sequence[Path]) -> Gallery:
        """Return the pictures of data set folders.

        Raises:
            UserError: One is no data set.
        """
        opened = [open_data_set(folder) for folder in folders]
        return cls({data.revision: data for data in opened})

    def copy(self, revision: str, ids: set[str], out: Path) -> Pictures:
        """Copy the pictures of questions into the site and return their addresses by id."""
        data = self.data.get(revision)
        if data is None:
            return {}
        found: dict[str, Sequence[str]] = {}
        for split in sorted({file.split for file in data.manifest.files}):
            for question in read_questions(data, split):
                if question.id in ids:
                    pictures = encoded_pictures(question.file, question.row)
                    found[question.id] = [_copy(picture, out) for picture in pictures]
        return found


def _copy(picture: bytes, out: Path) -> str:
    ending = next((name for start, name in _ENDINGS.items() if picture.startswith(start)), "img")
    name = f"{FOLDER}/{hashlib.sha256(picture).hexdigest()[:20]}.{ending}"
    if not (out / name).is_file():
        write_bytes(out / name, picture)
    return name
