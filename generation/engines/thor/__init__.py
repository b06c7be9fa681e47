"""AI2-THOR as an engine: ProcTHOR houses and iTHOR rooms in the real Unity player.

The player is started through ai2thor 5.0.0's own Controller. See docs/engines.md.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from generation.engines import EngineConfig
from generation.scene import EngineError

if TYPE_CHECKING:
    from generation.engines.thor.engine import ThorEngine

INSTALL = "pip install 'sat-bench[thor]'"


def open_engine(config: EngineConfig) -> ThorEngine:
    """Open AI2-THOR with the settings of the environment (see engine.ThorSettings).

    Raises:
        EngineError: It is not installed, the houses cannot be read, or it does not start.
    """
    if find_spec("ai2thor") is None:
        raise EngineError(f"engine thor needs the ai2thor package: {INSTALL}")
    from generation.engines.thor.engine import ThorEngine, ThorSettings

    return ThorEngine(config, ThorSettings.from_environment(os.environ))
