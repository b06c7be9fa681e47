"""Previewing a site on this machine, and on no other."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sat_tasks.console import UserError

HOST = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, and says nothing on the terminal."""

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


def make_server(site: Path, port: int) -> ThreadingHTTPServer:
    """Return a server that only this machine can reach.

    Raises:
        UserError: The port is taken or not allowed.
    """
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(site)))
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on port {port}: {error}") from error


def serve(site: Path, port: int) -> int:
    """Serve a site until interrupted."""
    with make_server(site, port) as server:
        print(f"http://{HOST}:{server.server_port}/index.html (stop with Ctrl-C)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0
