"""Making a submission out of what lmms-eval wrote."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from leaderboard.add import About, row_of
from leaderboard.files import make_folder, replacing
from leaderboard.lmms_output import TaskOutput, read_outputs
from leaderboard.results import slug
from leaderboard.submissions.archive import METADATA, REPLIES
from leaderboard.submissions.metadata import SCHEMA_VERSION
from leaderboard.submissions.replies import prompt_digest


def pack(results: Path, out: Path, about: About) -> list[Path]:
    """Write one archive per task that lmms-eval ran, and return them.

    Raises:
        UserError: The results are not whole, or the folder cannot be written to.
    """
    outputs = read_outputs(results)
    make_folder(out)
    return [_write(output, out, about) for output in outputs]


def _write(output: TaskOutput, out: Path, about: About) -> Path:
    row = row_of(output, about)
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "model": row.model,
        "revision": row.revision,
        "access": row.access,
        "params_b": row.params_b,
        "task": row.task,
        "protocol": row.protocol,
        "data": row.data_fingerprint,
        "date": row.date[:10],
        "adapter": row.adapter,
        "url": row.source,
        "claimed": round(row.overall.accuracy, 6),
    }
    columns = (output.samples["id"], output.samples["order"], output.samples["reply"])
    lines = [
        {"id": name, "order": order, "prompt_sha256": prompt_digest(prompt), "reply": reply}
        for name, order, reply, prompt in zip(
            *(column.to_pylist() for column in (*columns, output.prompts["prompt"])), strict=True
        )
    ]
    path = out / f"{slug(row.model)}--{row.task}--{row.protocol}.zip"
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(METADATA, json.dumps(metadata, indent=1, ensure_ascii=False))
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        archive.writestr(REPLIES, text)
    return path
