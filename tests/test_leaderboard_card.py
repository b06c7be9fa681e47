"""A model's figures as its model card carries them, read back by the hub's own library."""

from __future__ import annotations

from pathlib import Path

import lmms_results
import pytest
import sat_folder
from huggingface_hub import ModelCard

from leaderboard import cli
from leaderboard.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("card")
    data = sat_folder.write_folder(root / "data", sat_folder.rows(54))
    for number, protocol in enumerate(("circular", "single")):
        lmms_results.write_run(root / protocol, data, lmms_results.right_in(0.6, number), protocol)
        words = ["--store", str(root / "store"), "--name", "Our model"]
        source = ["--source", "https://example.org/report"] if number else []
        assert cli.main(["add", str(root / protocol), *words, *source]) == 0
    return Store.open(root / "store")


def test_every_figure_is_in_the_card(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["card", "Our model", "--store", str(store.root)]) == 0
    (tmp_path / "README.md").write_text(capsys.readouterr().out + "# Our model\n", "utf-8")
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.model_name == "Our model"
    found = {
        (r.dataset_type, r.dataset_args["protocol"], r.metric_name.split(" (")[0]): r
        for r in card.data.eval_results
    }
    expected = {
        (row.task, row.protocol, f"accuracy, {name.replace('_', ' ')}"): (row, tally)
        for row in store.rows()
        for name, tally in {"overall": row.overall, **row.by_type}.items()
    }
    assert found.keys() == expected.keys()
    for key, (row, tally) in expected.items():
        result = found[key]
        assert result.metric_value == pytest.approx(tally.accuracy, abs=1e-6)
        assert f"({tally.points:g}/{tally.questions}, 95% " in result.metric_name
        assert result.dataset_revision == row.data_fingerprint
        assert result.source_url == (row.source or None)


def test_a_model_that_is_not_there_is_told(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["card", "Nobody", "--store", str(store.root)]) == 2
    assert "no runs of 'Nobody'; models: Our model" in capsys.readouterr().err
