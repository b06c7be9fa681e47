"""Publishing: nothing leaves without a yes, and what arrives is the site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from leaderboard import cli
from leaderboard.serve import make_server
from leaderboard.site import MARKER


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the smallest folder that counts as a built site."""
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / MARKER).write_text("")
    (folder / "index.html").write_text("<h1>Leaderboard</h1>")
    (folder / "assets" / "style.css").write_text("body{}")
    return folder


def publish(site: Path, kind: str, target: str, *options: str) -> int:
    return cli.main(["publish", str(site), "--to", kind, "--target", target, *options])


@pytest.mark.parametrize("kind", ["folder", "gh-pages", "hub"])
def test_without_yes_nothing_is_uploaded(
    kind: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert publish(site, kind, str(tmp_path / "target")) == 0
    assert "dry run: would upload 3 files" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_target_must_be_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["publish", str(site), "--to", "hub"])
    assert "--target" in capsys.readouterr().err
    assert publish(site, "hub", " ", "--yes") == 2
    assert "--target is empty" in capsys.readouterr().err
    assert publish(site, "ftp", "x", "--yes") == 2
    assert "known: folder, gh-pages, hub" in capsys.readouterr().err


def test_only_a_built_site_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(tmp_path, "folder", str(tmp_path / "out"), "--yes") == 2
    assert "is no built site" in capsys.readouterr().err


def test_to_a_folder(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert publish(site, "folder", str(out), "--yes") == 0
    (site / "assets" / "style.css").unlink()
    assert publish(site, "folder", str(out), "--yes") == 0
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [MARKER, "index.html"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("")
    assert publish(site, "folder", str(other), "--yes") == 2
    assert "holds files that no build made" in capsys.readouterr().err


def test_to_the_pages_branch_of_a_remote(site: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    git = ["git", "--git-dir", str(remote)]
    subprocess.run([*git, "init", "--quiet", "--bare"], check=True)
    for _ in range(2):
        assert publish(site, "gh-pages", str(remote), "--yes") == 0
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", "gh-pages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(listed.stdout.split()) == {".nojekyll", MARKER, "assets/style.css", "index.html"}


def test_a_remote_that_does_not_exist_is_one_line(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in (str(tmp_path / "none.git"), "--upload-pack=evil"):
        words = ["publish", str(site), "--to", "gh-pages", f"--target={target}", "--yes"]
        assert cli.main(words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


class FakeHub(BaseHTTPRequestHandler):
    """Answers as the hub does to making a repository and to one commit; keeps what it was sent."""

    received: list[tuple[str, bytes]] = []  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if "/tree/" in self.path:
            self._answer([])
        else:
            self._answer({"id": "me/board", "sha": "0" * 40, "private": False, "siblings": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.received.append((self.path, body))
        if "preupload" in self.path:
            files = json.loads(body)["files"]
            how = {"uploadMode": "regular", "shouldIgnore": False}
            self._answer({"files": [{"path": file["path"], **how} for file in files]})
        elif "/commit/" in self.path:
            url = f"http://{self.headers['Host']}/spaces/me/board/commit/{'1' * 40}"
            self._answer({"commitUrl": url, "commitOid": "1" * 40, "success": True})
        else:
            self._answer({"url": f"http://{self.headers['Host']}/spaces/me/board"})


@pytest.fixture
def hub() -> Iterator[str]:
    FakeHub.received.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeHub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_to_a_space_on_the_hub(site: Path, hub: str) -> None:
    done = publish_to(hub, site)
    assert done.returncode == 0, done.stderr
    commits = [body for path, body in FakeHub.received if "/commit/" in path]
    assert len(commits) == 1
    sent = [json.loads(line) for line in commits[0].decode().splitlines()]
    files = {line["value"]["path"] for line in sent if line["key"] == "file"}
    assert {"index.html", "assets/style.css"} <= files
    assert any("/api/repos/create" in path for path, _ in FakeHub.received)


def test_a_hub_that_cannot_be_reached_is_one_line(site: Path) -> None:
    done = publish_to("http://127.0.0.1:9", site)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the hub refused me/board: ")
    assert done.stderr.count("\n") == 1


def publish_to(hub: str, site: Path) -> subprocess.CompletedProcess[str]:
    """Publish in a fresh process, whose hub is the given one."""
    words = ["publish", str(site), "--to", "hub", "--target", "me/board", "--yes"]
    environment = os.environ | {"HF_ENDPOINT": hub, "HF_TOKEN": "hf_test", "HF_HUB_OFFLINE": "0"}
    environment["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    return subprocess.run(
        [sys.executable, "-m", "leaderboard.cli", *words],
        capture_output=True, text=True, env=environment, timeout=120, check=False,
    )  # fmt: skip


def test_the_preview_listens_on_this_machine_only(site: Path) -> None:
    with make_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"
        address = f"http://127.0.0.1:{server.server_port}/index.html"
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == b"<h1>Leaderboard</h1>"
        server.shutdown()


def test_a_taken_port_is_one_line(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with make_server(site, 0) as server:
        assert cli.main(["serve", str(site), "--port", str(server.server_port)]) == 2
    assert "cannot listen on port" in capsys.readouterr().err
    assert cli.main(["serve", str(site), "--port", "99999"]) == 2
