"""A stand-in for AI2-THOR's Unity player: the wire protocols, the metadata, and faults on demand.

ai2thor runs it as an executable; everything it needs comes in AI2THOR_* environment variables.
A fault comes from FAKE_UNITY_FAULT or from a house's "fault", as "kind:action:number": the kind
happens from the number-th time (from 1) of the action on. Kinds: exit, exit_late, silent and deaf
(at the start); die, hang, refuse, garble, out_of_step, deaf (read nothing any more), shove
(refuse, but move the object), slide (do it, but elsewhere), topple (do it, but lay it down),
bump (do it, but push another object), level_camera (ignore pitch), blind
(no pictures) and mirror (pictures with left and right swapped).
"""

from __future__ import annotations

import http.client
import json
import os
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from fake_unity_actions import Actions
from fake_unity_metadata import metadata, run_action

METADATA, ACTION, END = 1, 2, 255
FIELDS = {"rgb": (4, "image"), "depth": (5, "image_depth"), "ids": (9, "image_ids")}
CAMERA_FIELDS = {
    "rgb": (10, "image-thirdParty-camera"),
    "depth": (12, "image_thirdParty_depth"),
    "ids": (14, "image_thirdParty_image_ids"),
}
Pictures = list[tuple[int, str, bytes]]


@dataclass
class Fault:
    """Something that goes wrong at one point."""

    kind: str = ""
    action: str = ""
    number: int = 1

    @staticmethod
    def parse(text: str) -> Fault:
        kind, action, number = [*text.split(":"), "", ""][:3]
        return Fault(kind, action, int(number or 1))


class Link(Protocol):
    """How messages travel."""

    def exchange(self, metadata: dict[str, Any], pictures: Pictures) -> dict[str, Any] | None: ...


class FifoLink:
    """Two named pipes; a frame is type, length, body."""

    def __init__(self, environ: Any) -> None:
        self.out = Path(environ["AI2THOR_FIFO_SERVER_PIPE_PATH"]).open("wb")  # noqa: SIM115
        self.path = Path(environ["AI2THOR_FIFO_CLIENT_PIPE_PATH"])
        self.source: Any = None
        self.deaf = False

    def write(self, kind: int, body: bytes) -> None:
        self.out.write(struct.pack("!BI", kind, len(body)) + body)

    def exchange(self, metadata: dict[str, Any], pictures: Pictures) -> dict[str, Any] | None:
        import msgpack

        self.write(METADATA, msgpack.packb(metadata, use_bin_type=True))
        for kind, _, body in pictures:
            self.write(kind, body)
        self.write(END, b"")
        self.out.flush()
        if self.deaf:
            time.sleep(600)
        # As in the player, only after the first message: ai2thor opens its end then.
        self.source = self.source or self.path.open("rb")
        action = None
        while head := self.source.read(5):
            kind, length = struct.unpack("!BI", head)
            if kind == END:
                return action
            action = json.loads(self.source.read(length))
        return None


class WsgiLink:
    """HTTP: each request carries an event, each answer the next action."""

    def __init__(self, environ: Any) -> None:
        address = environ["AI2THOR_HOST"], int(environ["AI2THOR_PORT"])
        self.connection = http.client.HTTPConnection(*address)
        self.token = environ["AI2THOR_CLIENT_TOKEN"]

    def exchange(self, metadata: dict[str, Any], pictures: Pictures) -> dict[str, Any] | None:
        text = b"text/plain; charset=utf-8"
        parts = [
            (b'name="metadata"', text, json.dumps(metadata).encode()),
            (b'name="token"', text, self.token.encode()),
        ]
        for _, name, data in pictures:
            field = f'name="{name}"; filename="{name}"'.encode()
            parts.append((field, b"application/octet-stream", data))
        body = b"".join(
            b"--edge\r\nContent-Type: " + kind + b"\r\nContent-disposition: form-data; " + name
            + b"\r\n\r\n" + data + b"\r\n"
            for name, kind, data in parts
        )  # fmt: skip
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        self.connection.request("POST", "/train", body + b"--edge--\r\n", kind)
        answer = self.connection.getresponse().read()
        return json.loads(answer) if answer else None


class Player:
    """The world, the link, and the faults."""

    def __init__(self, environ: Any, fault: Fault) -> None:
        self.world = Actions()
        self.link: Link = (FifoLink if environ["AI2THOR_SERVER_TYPE"] == "FIFO" else WsgiLink)(
            environ
        )
        self.fault = self.always = fault
        self.done: Counter[str] = Counter()
        self.sequence = 0
        self.agent_sees: tuple[Any, dict[str, bytes]] = (None, {})

    def run(self) -> None:
        """Serve actions until the other side hangs up."""
        outcome = run_action(self.world, "Pass", {})
        show = True
        while True:
            action = self.link.exchange(
                metadata(self.world, outcome, self.sequence), self.pictures() if show else []
            )
            if not action or "action" not in action:
                return
            self.sequence, name = action.pop("sequenceId"), action.pop("action")
            show = action.pop("renderImage", True)
            if name == "CreateHouse" and "fault" in action["house"]:
                self.fault, self.done = Fault.parse(action["house"]["fault"]), Counter()
            elif name == "Reset":
                self.fault = self.always
            self.done[name] += 1
            here = name == self.fault.action and self.done[name] >= self.fault.number
            outcome = self.act(name, action, self.fault.kind if here else "")
            show = show and not (here and self.fault.kind == "blind")

    def act(self, name: str, parameters: dict[str, Any], fault: str) -> dict[str, Any]:
        """Do an action with or without a fault."""
        if fault == "die":
            os.abort()
        if fault == "hang":
            time.sleep(600)
        if fault == "garble" and isinstance(self.link, FifoLink):
            self.link.write(77, b"no such message")
            self.link.out.flush()
        if fault == "out_of_step":
            self.sequence += 7
        if fault == "level_camera":
            parameters["rotation"]["x"] = 0.0
        if fault == "deaf" and isinstance(self.link, FifoLink):
            self.link.deaf = True
        self.world.mirrored = fault == "mirror"
        if fault == "slide":
            parameters["position"]["x"] += 0.2
        outcome = run_action(self.world, name, parameters)
        if fault in ("shove", "topple", "bump"):
            self.disturb(fault, parameters["objectId"])
        if fault in ("refuse", "shove"):
            outcome.update(lastActionSuccess=False, errorMessage="injected refusal")
        return outcome

    def disturb(self, fault: str, object_id: str) -> None:
        """Do what PlaceObjectAtPoint was not asked to do."""
        item = self.world.items[object_id]
        if fault == "bump":
            others = (i for i in self.world.items.values() if i is not item and i.is_free)
            item = next(others)
        euler = {**item.euler, "z": 90.0} if fault == "topple" else item.euler
        up = 0.3 if fault == "shove" else 0.0
        self.world.put(item, item.pivot + np.array([0.05, up, 0.0]), euler)

    def pictures(self) -> Pictures:
        """Return the pictures of the agent and of all cameras."""
        world, view = self.world, self.world.agent_view()
        seen = (view.position.tolist(), view.euler, world.changes, world.width, world.height)
        seen += (view.fov, list(world.items), dict(world.settings))
        if seen != self.agent_sees[0]:
            self.agent_sees = (seen, world.pictures(view))
        sent = [(*FIELDS[name], data) for name, data in self.agent_sees[1].items()]
        for camera in world.cameras:
            sent += [(*CAMERA_FIELDS[n], data) for n, data in world.pictures(camera).items()]
        return sent


def main() -> None:
    fault = Fault.parse(os.environ.get("FAKE_UNITY_FAULT", ""))
    if fault.kind == "exit":
        sys.exit(3)
    if fault.kind == "exit_late":
        time.sleep(1.5)
        sys.exit(3)
    if fault.kind == "silent":
        time.sleep(600)
    player = Player(os.environ, fault)
    width, height = (sys.argv[sys.argv.index(f"-screen-{n}") + 1] for n in ("width", "height"))
    player.world.width, player.world.height = int(width), int(height)
    if fault == Fault("deaf") and isinstance(player.link, FifoLink):
        player.link.deaf = True
    player.run()


if __name__ == "__main__":
    with suppress(ConnectionError):  # the other side hung up
        main()
