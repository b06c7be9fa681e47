"""Files from the Hugging Face hub, at one revision, as data set folders in the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from sat_tasks.console import UserError
from sat_tasks.convert import Reader, cache_folder, convert
from sat_tasks.data import DataSet, open_data_set
from sat_tasks.manifest import MANIFEST_NAME

_PUBLISHED = re.compile(r"SAT_(train|static|val|test)\.parquet$|(train|static|val|test)-\d+-of-\d+")
_SPLIT = re.compile(r"(?:^|[_/-])(train|static|val|validation|test)(?=[_.-]|$)", re.I)


def published(
    repository: str,
    names: Sequence[str],
    reader: Reader,
    variable: str,
    revision: str | None = None,
) -> DataSet:
    """Return files of a hub repository as a data set folder.

    The revision is resolved once, at the first download, and recorded; later runs use the folder
    in the cache without asking the hub, so that a score does not change when the hub does.

    Args:
        repository: Owner and name.
        names: Files within it.
        reader: Yields the rows of one of them.
        variable: The environment variable that names a local copy, for the message.
        revision: A commit, branch or tag; None is the one in the cache, or else the newest.

    Raises:
        UserError: The files are not in the cache and cannot be downloaded.
    """
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    home = (
        cache_folder() / repository.replace("/", "--") / (revision or "newest-at-first-use") / key
    )
    if (home / MANIFEST_NAME).is_file():
        return open_data_set(home)
    paths = [_download(repository, name, variable, revision) for name in names]
    commit = _commit_of(paths[0])
    sources = {path: split_in_name(path.name) for path in paths}
    return convert(sources, reader, home, name=repository, source_revision=commit)


def converted(files: Sequence[Path], reader: Reader, name: str) -> DataSet:
    """Return downloaded files as a data set folder in the cache, converted at first use."""
    state = "\n".join(f"{p.resolve()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files)
    key = hashlib.sha256(state.encode()).hexdigest()[:16]
    sources = {path: split_in_name(path.name) for path in files}
    out = cache_folder() / "local" / key
    return convert(sources, reader, out, name=name, source_revision=f"local-{key}")


def published_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are named as array/SAT or array/SAT-v2 name theirs."""
    return sorted(path for path in folder.rglob("*.parquet") if _PUBLISHED.match(path.name))


def split_in_name(name: str) -> str:
    """Return train, val or test for a published file; array/SAT's "static" is training data."""
    match = _SPLIT.search(name)
    if match is None:
        raise UserError(f"{name} names no split; expected train, static, val or test in its name")
    word = match[1].lower()
    return {"static": "train", "validation": "val"}.get(word, word)


def _download(repository: str, name: str, variable: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        path = hf_hub_download(repository, name, repo_type="dataset", revision=revision)
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise UserError(
            f"cannot download {name} of {repository} ({type(error).__name__}); "
            f"set {variable} to a local copy to do without"
        ) from error
    return Path(path)


def _commit_of(path: Path) -> str:
    """Return the commit in the path of a file of the hub's own cache."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else "unknown"
