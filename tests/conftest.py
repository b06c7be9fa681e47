"""Settings of all tests: no network, and one thread per software renderer and small model.

Threads that share a core with another process wait for each other: on a busy machine two of them
train a tiny model many times slower than one.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["LP_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
