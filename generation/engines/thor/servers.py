"""AI2-THOR's two servers, with a bound on every wait for the player.

Upstream (ai2thor 5.0.0) opens a FIFO without a reader or writer, which blocks for ever when the
player is gone; spins on a closed pipe; and writes a house (more than a pipe holds) without
looking at the clock. Here each of these ends in PlayerLost.
"""

from __future__ import annotations

import errno
import os
import queue
import select
import threading
import time
from contextlib import suppress
from subprocess import Popen
from typing import Any

from ai2thor.exceptions import UnityCrashException
from ai2thor.fifo_server import FifoServer
from ai2thor.wsgi_server import WsgiServer

POLL_S = 0.1
THREAD_END_S = 5.0


class PlayerLost(Exception):
    """The player is gone, silent or out of step; nothing more can be asked of it."""


class Deadline:
    """A point in time; the player may also die before it."""

    def __init__(self, timeout_s: float, process: Popen[bytes] | None) -> None:
        self._timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s
        self._process = process

    def wait_for(self, descriptor: int, *, write: bool) -> None:
        """Return when a file descriptor is ready.

        Raises:
            PlayerLost: The player has died, or the time is over.
        """
        while True:
            wait_s = min(POLL_S, max(0.0, self._end - time.monotonic()))
            readers, writers = ([], [descriptor]) if write else ([descriptor], [])
            ready = select.select(readers, writers, [], wait_s)
            if ready[0] or ready[1]:
                return
            self.check()

    def check(self) -> None:
        """Raise PlayerLost if the player has died or the time is over."""
        if self._process is not None and self._process.poll() is not None:
            raise PlayerLost(f"the player has exited (status {self._process.returncode})")
        if time.monotonic() > self._end:
            raise PlayerLost(f"the player did not answer in {self._timeout_s:g} s")


class BoundedFifoServer(FifoServer):  # type: ignore[misc]
    """The FIFO server; see the module."""

    client_pipe: Any
    server_pipe: Any

    def connect(self, timeout_s: float) -> None:
        """Open the player's pipe and wait for its first message."""
        descriptor = os.open(self.server_pipe_path, os.O_RDONLY | os.O_NONBLOCK)
        self.server_pipe = os.fdopen(descriptor, "rb", buffering=0)
        Deadline(timeout_s, self.unity_proc).wait_for(descriptor, write=False)

    def receive(self, timeout: float | None = None) -> Any:
        """Return the player's next event; see Server.receive."""
        try:
            return super().receive(timeout)
        except (ValueError, KeyError) as error:
            raise PlayerLost(f"the player's message makes no sense: {error}") from error

    def _read_with_timeout(self, server_pipe: Any, message_size: int, timeout: float) -> bytes:
        deadline = Deadline(timeout, self.unity_proc)
        message = bytearray()
        while len(message) < message_size:
            deadline.wait_for(server_pipe.fileno(), write=False)
            part = os.read(server_pipe.fileno(), message_size - len(message))
            if not part:
                time.sleep(POLL_S)
                deadline.check()
                raise PlayerLost("the player has closed its pipe")
            message += part
        return bytes(message)

    def _send_message(self, message_type: int, body: bytes) -> None:
        deadline = Deadline(self.timeout, self.unity_proc)
        if self.client_pipe is None:
            self.client_pipe = self._open_client_pipe(deadline)
        left = memoryview(self._create_header(message_type, body) + body + self.eom_header)
        while left:
            deadline.wait_for(self.client_pipe.fileno(), write=True)
            try:
                left = left[os.write(self.client_pipe.fileno(), left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise PlayerLost("the player has closed its pipe") from error

    def _open_client_pipe(self, deadline: Deadline) -> Any:
        while True:
            try:
                descriptor = os.open(self.client_pipe_path, os.O_WRONLY | os.O_NONBLOCK)
                return os.fdopen(descriptor, "wb", buffering=0)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads it yet
                    raise
            deadline.check()
            time.sleep(POLL_S / 10)

    def stop(self) -> None:
        """Close the pipes and remove them."""
        for pipe in (self.client_pipe, self.server_pipe):
            if pipe is not None:
                pipe.close()
        self.tmp_dir.cleanup()


class BoundedWsgiServer(WsgiServer):  # type: ignore[misc]
    """The HTTP server; see the module."""

    stopped: bool

    def receive(self, timeout: float | None = None) -> Any:
        """Return the player's next event; see Server.receive."""
        try:
            return super().receive(timeout)
        except UnityCrashException as error:
            raise PlayerLost(f"the player has exited: {error}") from error
        except TimeoutError as error:
            waited_s = self.timeout if timeout is None else timeout
            raise PlayerLost(f"the player did not answer in {waited_s:g} s") from error

    def send(self, action: dict[str, Any]) -> None:
        """Answer the player's waiting request; see Server.send."""
        try:
            self.response_queue.put_nowait(action)
        except queue.Full as error:
            raise PlayerLost("the player never fetched the last action") from error

    def stop(self) -> None:
        """End the request that waits for an action, and the server's thread."""
        if self.stopped or not self.started:
            return
        self.stopped = True
        with suppress(queue.Full):  # an action that nobody fetched ends the request as well
            self.response_queue.put_nowait({})
        threading.Thread(target=self.wsgi_server.shutdown, daemon=True).start()
        self.server_thread.join(THREAD_END_S)
        self.wsgi_server.server_close()
