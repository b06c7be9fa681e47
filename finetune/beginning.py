"""Where a model that starts from nothing starts: a tokenizer, a tower that sees, words that point.

It is made once and kept beside the run, so that a run that is gone on with starts from the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from finetune.data import Sources
from finetune.presets import Preset
from finetune.tiny import SAT_TINY, build, save
from sat_tasks.prompt import build_prompt, prompt_text

START = "start"
TOWER_RUN, LANGUAGE_RUN = "tower", "language"
MAX_TEXTS = 20_000
"""Questions that the tokenizer is trained on."""
DIGIT_TEXTS = 1000


def begin(preset: Preset, sources: Sources, out: Path, settings: Any) -> Path:
    """Return the folder of a new model, made if it is not there yet.

    All processes of a run call this: they train the tower together, and the first one writes.

    Args:
        preset: Says how long the vision tower and the language model learn from pairs of pictures.
        sources: Questions, and pairs where the preset needs them.
        out: Folder of the run.
        settings: Of the run's trainer: how often it reports, and to whom.
    """
    folder = out / START
    if folder.is_dir():
        return folder
    config = replace(SAT_TINY, seed=preset.seed)
    model, processor = build(config, _texts(sources))
    if preset.pair_count:
        from finetune.vision import pretrain_tower

        assert sources.pairs is not None
        pretrain_tower(model, processor, sources.pairs, preset, out / TOWER_RUN, settings)
    if preset.pointing_count:
        from finetune.pointing import point

        point(model, processor, sources, preset, out / LANGUAGE_RUN, settings)
    with settings.main_process_first(local=False):
        if not folder.is_dir():
            save(model, processor, folder, "before it has seen a question", config)
    return folder


def _texts(sources: Sources) -> Iterator[str]:
    for _ in range(DIGIT_TEXTS):  # so that a number with its space is one token
        yield "ASSISTANT: 0 1 2 3 4 5 6 7 8 9"
    for question in islice(sources.sat, MAX_TEXTS):
        yield prompt_text(build_prompt(question.question, question.options, question.picture_count))
