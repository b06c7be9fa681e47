"""From a run to a model that others load: merged, checked, with its template and a card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from finetune.beginning import START
from finetune.checkpoint import VISION, VLLM_VISION, use_published_names
from finetune.presets import NEW_MODEL, Preset
from finetune.record import RUN_RECORD
from finetune.train import TRAINED, load_model
from sat_tasks.console import UserError

MAX_LOGIT_GAP = 1e-3
"""Largest difference of fp32 logits between the adapter and the merged model."""


@dataclass(frozen=True)
class Export:
    """What was found about an exported model."""

    folder: Path
    parameters: int
    logit_gap: float | None
    """Largest difference between unmerged and merged logits; None where nothing was merged."""
    vllm: str
    """What was checked about vLLM."""


def export(run: Path, out: Path, scores: Path | None = None) -> Export:
    """Write the trained model of a run as a plain checkpoint.

    Args:
        run: Folder of a finished run.
        out: Folder to write; must not exist.
        scores: Output folder of lmms-eval, for the card.

    Raises:
        UserError: The run is not finished, the folder exists, or a check fails.
    """
    record, preset = read_run(run)
    if out.exists():
        raise UserError(f"{out} exists; name a new folder")
    if not (run / TRAINED).is_dir():
        raise UserError(f"{run} is not finished: it has no folder {TRAINED!r}; train it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        work = Path(temporary) / "model"
        work.mkdir()
        gap = _write(preset, run / TRAINED, work)
        count = _check_loads(work)
        vllm = _check_vllm_names(work)
        result = Export(out, count, gap, vllm)
        (work / "README.md").write_text(_card(record, result, read_scores(scores)) + "\n")
        work.replace(out)
    return result


def read_run(run: Path) -> tuple[dict[str, Any], Preset]:
    """Return the record of a run and its preset.

    Raises:
        UserError: The folder is no run.
    """
    try:
        record = json.loads((run / RUN_RECORD).read_text())
        return record, Preset(**record["preset"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{run} is no folder of sat-finetune train: {error}") from error


def _write(preset: Preset, trained: Path, work: Path) -> float | None:
    """Write weights and processor; return the largest gap of logits where adapters were merged."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(trained)
    gap = None
    if preset.method != "full":
        if preset.model.startswith(NEW_MODEL):
            preset = replace(preset, model=str(trained.parent / START))
        gap = _merge(preset, trained, processor, work)
    elif preset.precision == "bf16":
        _write_halved(trained, work)
    else:
        for path in trained.iterdir():
            if path.is_file():
                shutil.copy2(path, work)
    processor.save_pretrained(work)
    use_published_names(work)
    return gap


def _write_halved(trained: Path, work: Path) -> None:
    """Write a model, which is kept in float32 while it is trained fully, in bfloat16."""
    import torch
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(trained, dtype=torch.bfloat16)
    model.save_pretrained(work)


def _merge(preset: Preset, trained: Path, processor: Any, work: Path) -> float:
    import torch
    from peft import PeftModel

    # After QLoRA, too: merged into 4 bits an adapter would be rounded away.
    base, _ = load_model(replace(preset, method="lora"))
    model = PeftModel.from_pretrained(base, trained).eval()
    inputs = _example(processor).to(base.device)
    with torch.inference_mode():
        before = model(**inputs).logits.float()
        merged = model.merge_and_unload(safe_merge=True).eval()
        after = merged(**inputs).logits.float()
    gap = float((before - after).abs().max())
    scale = float(before.abs().max())
    allowed = MAX_LOGIT_GAP if preset.precision == "fp32" else 0.02 * scale
    if not gap <= allowed:
        raise UserError(f"merging changed logits by {gap:g} (at most {allowed:g} is expected)")
    merged.save_pretrained(work)
    return gap


def _example(processor: Any) -> Any:
    """Return model inputs of a question about a grey picture."""
    from PIL import Image

    content = [{"type": "image"}, {"type": "text", "text": "Left or right?"}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    picture = Image.new("RGB", (64, 64), "grey")
    return processor(images=[picture], text=[text], return_tensors="pt", add_special_tokens=False)


def _check_loads(work: Path) -> int:
    """Load the written model as others do; return its number of parameters.

    Raises:
        UserError: Weights are missing or unknown, or the model cannot answer.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model, found = AutoModelForImageTextToText.from_pretrained(work, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if found.get(key):
            raise UserError(f"the exported model has {key}: {sorted(found[key])[:3]}")
    processor = AutoProcessor.from_pretrained(work)
    with torch.inference_mode():
        logits = model.eval()(**_example(processor)).logits
    if not bool(torch.isfinite(logits).all()):
        raise UserError("the exported model gives no finite logits")
    return sum(parameter.numel() for parameter in model.parameters())


def _check_vllm_names(work: Path) -> str:
    """Say what is known of loading in vLLM.

    Raises:
        UserError: vLLM would not find the vision weights.
    """
    from safetensors import safe_open

    for path in sorted(work.glob("*.safetensors")):
        with safe_open(path, "pt") as tensors:
            wrong = [
                name
                for name in tensors.keys()  # noqa: SIM118 (not a dict)
                if name.startswith(VISION) and not name.startswith(VLLM_VISION)
            ]
        if wrong and _has_flat_tower(work):
            raise UserError(f"vLLM would not find {wrong[0]} in {path.name}")
    if find_spec("vllm") is None:
        return "names checked; vLLM is not installed here, so loading was not tried"
    done = subprocess.run(
        [sys.executable, "-c", _LOAD_IN_VLLM, str(work)], capture_output=True, text=True
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "Error" in line]
        cause = (lines or done.stderr.splitlines() or ["no output"])[-1].strip()
        raise UserError(f"vLLM does not load the exported model: {cause}")
    return "loaded"


_LOAD_IN_VLLM = """
import sys
import torch
from vllm import LLM

if __name__ == "__main__":
    room = {} if torch.cuda.is_available() else {"gpu_memory_utilization": 0.2}
    LLM(sys.argv[1], enforce_eager=True, max_model_len=2048, **room)
"""
"""In a process of its own: vLLM keeps its memory for as long as its process lives."""


def _has_flat_tower(work: Path) -> bool:
    """Say if transformers names the vision weights otherwise than their makers do."""
    config = json.loads((work / "config.json").read_text())
    kind = str(config.get("vision_config", {}).get("model_type", ""))
    return kind.startswith(("clip", "siglip"))


def read_scores(folder: Path | None) -> list[tuple[str, str, str]]:
    """Return (task, metric, value) of the newest results of lmms-eval in a folder.

    Raises:
        UserError: There are none.
    """
    if folder is None:
        return []
    paths = sorted(folder.rglob("*_results.json"))
    if not paths:
        raise UserError(f"{folder} holds no results of lmms-eval")
    results = json.loads(paths[-1].read_text())["results"]
    return [
        (task, key.split(",")[0], f"{value:.1%}")
        for task, metrics in sorted(results.items())
        for key, value in metrics.items()
        if key.split(",")[0] in ("overall", "adjusted", "failed") and isinstance(value, float)
    ]


def _card(record: dict[str, Any], found: Export, scores: list[tuple[str, str, str]]) -> str:
    import jinja2

    template = files("finetune").joinpath("card.md.jinja").read_text()
    base = record["preset"]["model"]
    text: str = jinja2.Template(template, undefined=jinja2.StrictUndefined).render(
        record=record,
        found=found,
        scores=scores,
        base="" if base.startswith(NEW_MODEL) else base,
        settings=json.dumps(record["preset"], indent=1),
    )
    return text
