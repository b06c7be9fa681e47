"""LLaVA through transformers: batches change nothing, pictures count, bad models are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from PIL import Image
from sat_folder import rows, write_folder

from finetune import tiny
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set, read_questions
from sat_tasks.docs import doc_to_messages, doc_to_text, expand
from sat_tasks.models import llava
from sat_tasks.models.vision_cache import VisionCache
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.tables import TABLES

OPTIONS = {"max_new_tokens": 6, "temperature": 0, "do_sample": False, "until": []}
CONFIG = tiny.TinyConfig(
    image_px=32,
    patch_px=16,
    vision_width=32,
    vision_layers=1,
    text_width=64,
    text_layers=1,
    vocabulary=400,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    model, processor = tiny.build(CONFIG)
    with torch.no_grad():  # so that replies depend on pictures and words, not on rounding
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    tiny.save(model, processor, folder, "untrained", CONFIG)
    return folder


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = write_folder(tmp_path_factory.mktemp("data") / "d", rows(7))
    data = open_data_set(folder)
    return Dataset.from_dict(
        expand(data, read_questions(data, "test"), PROTOCOLS["circular"], TABLES["sat"])
    )


def ask(model: Any, docs: Dataset, options: dict[str, Any] = OPTIONS) -> list[str]:
    model.task_dict = {"t": {"test": docs}}
    requests = [
        SimpleNamespace(args=(doc_to_text(doc), doc_to_messages, options, index, "t", "test"))
        for index, doc in enumerate(docs)
    ]
    return [result.text for result in model.generate_until(requests)]


def test_batch_size_does_not_change_replies(checkpoint: Path, docs: Dataset) -> None:
    one = ask(llava.Llava(pretrained=str(checkpoint), device="cpu"), docs)
    many = ask(llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size="5"), docs)
    assert one == many
    assert len(set(one)) > 3


def test_replies_depend_on_the_pictures(checkpoint: Path, docs: Dataset) -> None:
    model = llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size=8)
    sighted = ask(model, docs)
    blind = ask(model, docs.map(lambda doc: {"protocol": "circular_blind"}))
    assert sighted != blind


def test_stop_texts_are_honoured(checkpoint: Path, docs: Dataset) -> None:
    model = llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size=8)
    whole = ask(model, docs.select(range(3)))
    stop = whole[0][2]
    cut = ask(model, docs.select(range(3)), OPTIONS | {"until": [stop]})
    assert cut == [text.split(stop)[0].strip() for text in whole]


def test_tokens_are_counted(checkpoint: Path, docs: Dataset) -> None:
    model = llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size=4)
    model.task_dict = {"t": {"test": docs}}
    request = SimpleNamespace(args=(doc_to_text(docs[0]), doc_to_messages, OPTIONS, 0, "t", "test"))
    (result,) = model.generate_until([request])
    assert result.token_counts.output_tokens <= 6
    assert result.token_counts.input_tokens > (CONFIG.image_px // CONFIG.patch_px) ** 2


def test_pictures_stay_in_their_places(checkpoint: Path) -> None:
    _, processor = llava.load(str(checkpoint), None, "cpu", None)
    pictures = [Image.new("L", (8, 8)), Image.new("RGB", (8, 8))]
    content = [
        {"type": "text", "text": "first"},
        {"type": "image", "url": pictures[0]},
        {"type": "text", "text": "second <image>"},
        {"type": "image", "url": pictures[1]},
        {"type": "text", "text": "which?"},
    ]
    prompt = llava.render([{"role": "user", "content": content}], processor)
    assert prompt.text == "<s>USER: first\n<image>\nsecond \n<image>\nwhich? ASSISTANT:"
    assert [image.mode for image in prompt.pictures] == ["RGB", "RGB"]


# --- models that cannot be loaded


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: next(folder.glob(name)).unlink()


def other_kind(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "bert"}))


def garble(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("*.safetensors"), "has no weights: expected"),
        (remove("config.json"), "holds no model: it has no config.json"),
        (other_kind, "holds a 'bert' model; --model llava takes model_type 'llava'"),
    ],
)
def test_incomplete_folders(
    change: Callable[[Path], None], message: str, checkpoint: Path, tmp_path: Path
) -> None:
    import shutil

    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    change(folder)
    with pytest.raises(UserError, match=message):
        llava.check_checkpoint(str(folder))


def test_damaged_weights(checkpoint: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    garble(folder)
    with pytest.raises(SystemExit, match="error: cannot load model"):
        llava.Llava(pretrained=str(folder), device="cpu")


@pytest.mark.parametrize("name", ["/no/such/folder", "./models/x", "just-a-name", "a/b/c", "a b/c"])
def test_neither_folder_nor_hub_id(name: str) -> None:
    with pytest.raises(SystemExit, match="is neither a folder nor a hub id"):
        llava.Llava(pretrained=name)


def test_hub_id_that_is_not_at_hand() -> None:
    with pytest.raises(SystemExit, match="error: cannot load model 'nobody/nothing': "):
        llava.Llava(pretrained="nobody/nothing", device="cpu")


def test_unknown_arguments_name_the_known() -> None:
    with pytest.raises(SystemExit, match="unknown model_args size; known: pretrained"):
        llava.Llava(size="7b")
    with pytest.raises(SystemExit, match="batch_size must be a whole number above 0, got 'auto'"):
        llava.Llava(batch_size="auto")


def test_a_picture_goes_through_the_vision_tower_once(checkpoint: Path, docs: Dataset) -> None:
    model = llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size=4)
    replies = ask(model, docs)
    shown = sum(docs["picture_count"])
    assert model.vision.asked < shown, "option orders in one batch share their pictures"
    assert model.vision.computed < shown / 2, "each question is asked in every order"
    uncached = llava.Llava(pretrained=str(checkpoint), device="cpu", batch_size=4)
    del uncached.model.model.get_image_features
    assert ask(uncached, docs) == replies


def test_cached_features_are_those_of_the_model(checkpoint: Path) -> None:
    model, _ = llava.load(str(checkpoint), None, "cpu", None)
    plain, cache = model.model.get_image_features, VisionCache(model.model.get_image_features, 2)
    side = CONFIG.image_px
    pixels = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    options = {"vision_feature_layer": -1, "vision_feature_select_strategy": "full"}
    with torch.inference_mode():
        for order in ([0, 1, 0], [1, 2], [0, 2, 1]):
            wanted = plain(pixels[order], **options).pooler_output
            found = cache(pixels[order], **options).pooler_output
            assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, wanted, strict=True))
    assert (cache.computed, cache.asked) == (4, 8), "only two are kept"
