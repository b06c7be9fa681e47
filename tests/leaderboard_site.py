"""A small leaderboard for tests: data with pictures, a before/after pair, a blind run, a site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import lmms_results
import sat_folder

from leaderboard import cli

NASTY = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
    + "ur" * 300
)
"""A reply that would run, if any page failed to escape it, and has no place to break a line."""


@dataclass(frozen=True)
class SmallSite:
    """Where the parts lie."""

    data: Path
    store: Path
    site: Path

    def build(self) -> int:
        """Build the site."""
        folders = ["--store", str(self.store), "--out", str(self.site)]
        return cli.main(["build", *folders, "--data", str(self.data)])


def make(root: Path, questions: int = 450) -> SmallSite:
    """Make data, runs of four models, and the site."""
    small = SmallSite(root / "data", root / "store", root / "site")
    sat_folder.write_folder(small.data, sat_folder.rows(questions))
    before = lmms_results.right_in(0.45, 1)
    after = lmms_results.right_in(0.8, 2)
    runs = [
        ("before", "Small LLaVA", before, "circular", ["--access", "open", "--params", "7"]),
        ("after", "Small LLaVA + SAT", after, "circular",
         ["--access", "open", "--params", "13", "--tuned-from", "Small LLaVA"]),
        ("first", "Always the first", lmms_results.always("A"), "circular",
         ["--note", "baseline", "--access", "baseline"]),
        ("nasty", "Nasty", lambda doc: NASTY, "circular", ["--note", "untrained"]),
        ("blind", "Small LLaVA + SAT", lmms_results.right_in(0.5, 3), "circular_blind", []),
    ]  # fmt: skip
    for folder, name, reply, protocol, options in runs:
        lmms_results.write_run(root / folder, small.data, reply, protocol)
        words = ["add", str(root / folder), "--store", str(small.store), "--name", name]
        assert cli.main([*words, *options]) == 0
    assert small.build() == 0
    return small
