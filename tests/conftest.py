"""Settings of all tests: no network, and one thread per software renderer."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["LP_NUM_THREADS"] = "1"
