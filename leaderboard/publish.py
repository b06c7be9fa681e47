"""Uploading a built site. Nothing leaves this machine without a named target and a yes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from leaderboard.files import make_folder, write_bytes
from leaderboard.site import MARKER
from sat_tasks.console import UserError

BRANCH = "gh-pages"


def check_site(site: Path) -> Path:
    """Return a folder if it is a built site.

    Raises:
        UserError: It is none.
    """
    if not (site / MARKER).is_file() or not (site / "index.html").is_file():
        raise UserError(f"{site} is no built site: `sat-leaderboard build --out {site}`")
    return site


def publish(site: Path, kind: str, target: str, really: bool) -> str:
    """Upload a site and return a line that says what was done, or would be.

    Raises:
        UserError: The target refused it.
    """
    files = [path for path in site.rglob("*") if path.is_file()]
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    what = f"{len(files)} files ({size_mb:.1f} MB) to {kind} {target}"
    if not really:
        return f"dry run: would upload {what}; add --yes to do it"
    TARGETS[kind](site, target)
    return f"uploaded {what}"


def _to_folder(site: Path, target: str) -> None:
    out = make_folder(Path(target))
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise UserError(f"{out} holds files that no build made; name an empty or a new folder")
    names = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    for name in sorted(names, key=lambda name: (name == Path("index.html"), name)):
        write_bytes(out / name, (site / name).read_bytes())
    for path in out.rglob("*"):
        if path.is_file() and path.relative_to(out) not in names:
            path.unlink()


def _to_git(site: Path, target: str) -> None:
    """Replace the remote's gh-pages branch by one commit that holds the site."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / "site"
        shutil.copytree(site, work)
        (work / ".nojekyll").touch()
        name = ("-c", "user.name=SAT Bench", "-c", "user.email=sat-bench@localhost")
        _git(work, "init", "--quiet", "--initial-branch", BRANCH)
        _git(work, "add", "--all", "--force")
        _git(work, *name, "commit", "--quiet", "--message", "Publish the leaderboard")
        _git(work, "push", "--quiet", "--force", _remote(target), f"HEAD:{BRANCH}")


def _remote(target: str) -> str:
    """Return the address of a remote of the current repository, or the target if it is one."""
    if target.startswith("-"):
        raise UserError(f"{target!r} is no git remote")
    found = subprocess.run(
        ["git", "remote", "get-url", target], capture_output=True, text=True, check=False
    )
    address = found.stdout.strip() if found.returncode == 0 else target
    return str(Path(address).resolve()) if Path(address).is_dir() else address


def _git(folder: Path, *arguments: str) -> None:
    try:
        subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UserError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"git {arguments[0]} failed: {last}") from error


def _to_hub(site: Path, target: str) -> None:
    """Upload to a static Space, made if it does not exist."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        HFValidationError,
        HTTPError,  # of whichever HTTP library this release of the hub's uses
        OfflineModeIsEnabled,
    )

    api = HfApi()
    try:
        api.create_repo(target, repo_type="space", space_sdk="static", exist_ok=True)
        api.upload_folder(
            folder_path=site,
            repo_id=target,
            repo_type="space",
            commit_message="Publish the leaderboard",
            delete_patterns="*",
        )
    except (HTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        first = (str(error).strip().splitlines() or [repr(error)])[0]
        raise UserError(f"the hub refused {target}: {first}") from error


TARGETS: dict[str, Callable[[Path, str], None]] = {
    "folder": _to_folder,
    "gh-pages": _to_git,
    "hub": _to_hub,
}
"""How to upload to each kind of target."""
