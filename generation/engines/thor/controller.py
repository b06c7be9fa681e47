"""AI2-THOR's Controller with a bound on every wait and no process left behind."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import Any

from ai2thor.controller import Controller
from ai2thor.fifo_server import FifoServer
from ai2thor.wsgi_server import WsgiServer

from generation.engines.thor.servers import BoundedFifoServer, BoundedWsgiServer, PlayerLost

PROCESS_END_S = 10.0
MAX_MESSAGE = 200
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Becomes the player. A worker that is killed cannot stop it, but the kernel can (Linux).

The kernel looks at the thread that started the player: start it in a thread that lasts.
"""

SERVERS = {"fifo": FifoServer, "wsgi": WsgiServer}


class ActionFailed(RuntimeError):
    """The player refused an action; it lives on."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for the player, in seconds."""

    start_s: float = 300.0
    step_s: float = 100.0


def _refusal(event: Any) -> str:
    """Return one line; the player's messages can be stack traces."""
    message = " ".join(str(event.metadata["errorMessage"]).split())
    return f"{event.metadata['lastAction']} failed: {message[:MAX_MESSAGE]}"


class _NoServer:
    """What is left of a server after the player has been stopped."""

    unity_proc = None

    def send(self, action: dict[str, Any]) -> None:
        """Refuse an action."""
        raise PlayerLost("the player has been stopped")

    def stop(self) -> None:
        """Do nothing: ai2thor calls this once more when the interpreter ends."""


class BoundedController(Controller):  # type: ignore[misc]
    """A Controller that reports a lost player instead of waiting for it or restarting it.

    Upstream restarts a crashed player and loads the scene again; a house that crashes it would do
    so without end. It also keeps the player of a failed start until the interpreter ends.
    """

    server: Any = None
    _build: Any = None

    def __init__(self, timeouts: Timeouts, server: str, **parameters: Any) -> None:
        """Start the player.

        Raises:
            PlayerLost: It exits, is silent, or makes no sense.
            Exception: ai2thor's own errors, for a build that is missing or a bad option.
        """
        started = False
        try:
            super().__init__(
                server_class=SERVERS[server],
                server_timeout=timeouts.step_s,
                server_start_timeout=timeouts.start_s,
                **parameters,
            )
            started = True
        finally:
            if not started:
                self.stop()

    @property
    def is_running(self) -> bool:
        """Whether there is a player to ask."""
        process = self.server.unity_proc
        return process is not None and process.poll() is None

    def step(self, action: str | dict[str, Any] | None = None, **parameters: Any) -> Any:
        """Do one action and return its event, whether it succeeded or not.

        Raises:
            ActionFailed: It failed and raise_for_failure was asked for.
            PlayerLost: The player is gone; it has been stopped.
        """
        must_succeed = parameters.pop("raise_for_failure", False)
        message = {**(action if isinstance(action, dict) else {"action": action}), **parameters}
        name = message["action"]
        self.last_action = message
        try:
            self.server.send(copy.deepcopy(message))
            self.last_event = self.server.receive()
        except PlayerLost as error:
            self.stop()
            raise PlayerLost(f"{name}: {error}") from error
        if must_succeed and not self.last_event.metadata["lastActionSuccess"]:
            raise ActionFailed(_refusal(self.last_event))
        return self.last_event

    def do(self, action: str, **parameters: Any) -> Any:
        """Do one action that has to succeed, and return its event; see step."""
        return self.step(action, raise_for_failure=True, **parameters)

    def reset(self, scene: str | dict[str, Any] | None = None, **parameters: Any) -> Any:
        """Load a scene and return its event.

        Raises:
            ActionFailed: The player refuses the scene.
            PlayerLost: The player is gone; it has been stopped.
        """
        try:
            event = super().reset(scene, **parameters)
        except PlayerLost:
            self.stop()
            raise
        if not event.metadata["lastActionSuccess"]:
            raise ActionFailed(_refusal(event))
        return event

    def stop(self) -> None:
        """Stop the player and wait until it is gone."""
        server, self.server = self.server, _NoServer()
        if server is None or isinstance(server, _NoServer):
            return
        if server.unity_proc is not None:
            server.unity_proc.kill()
            server.unity_proc.wait(PROCESS_END_S)
        server.stop()
        if getattr(self._build, "_lock", None) is not None:  # set only once a build is in use
            self._build.unlock()
        # ai2thor registers an exit handler that keeps this object alive: let its pictures go.
        self.last_event = self.scene = None
        self.last_action = {}

    def _build_server(self, host: str, port: int, width: int, height: int) -> None:
        if self.server is not None:
            return
        options = {"width": width, "height": height, "timeout": self.server_timeout}
        if self.server_class is FifoServer:
            self.server = BoundedFifoServer(**options)
        else:
            self.server = BoundedWsgiServer(host=host, port=port, **options)

    def unity_command(self, *arguments: Any) -> list[str]:
        """Return the command line of the player, made to die with this process."""
        return [sys.executable, "-c", _DIE_WITH_PARENT, *super().unity_command(*arguments)]

    def _start_unity_thread(self, *arguments: Any) -> None:
        super()._start_unity_thread(*arguments)
        if isinstance(self.server, BoundedFifoServer):
            self.server.connect(self.server_start_timeout)
