"""A local server that speaks OpenAI's and Google's protocols and misbehaves on command.

Every question carries a number ("Q17: ..."), or is known by a hash of its text. The plan says
which faults the first attempts at a question meet; once they are used up, the answer is right.
The answer depends on nothing but the text, so that two runs can be compared.

As a program, for tests that kill it or its clients::

    python tests/fault_server.py --port 8123 --log served.jsonl --plan '{"3": ["429", "hang"]}'
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANY = "*"
INPUT_TOKENS = 100
OUTPUT_TOKENS = 20
HANG_S = 30.0


@dataclass
class Behaviour:
    """What the server does; tests may change it while it runs."""

    plan: dict[str, list[str]] = field(default_factory=dict)
    """Faults by question; the question "*" stands for all that have no entry."""
    delay_s: float = 0.0
    """Before every good answer."""
    most_at_once: int | None = None
    """Beyond this, 429."""
    refuses: tuple[str, ...] = ()
    """Parameters that are answered with OpenAI's "unsupported parameter"."""
    refuses_at_once: int = 1
    """So many such requests must be there before the first of them is answered."""
    reply: Callable[[str], str] | None = None
    """Text of the prompt to text of the answer; by default a letter by the text's hash."""


@dataclass(frozen=True)
class Served:
    """One request as the server saw it."""

    question: str
    outcome: str
    """"ok" or the fault."""
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at_s: float = field(default_factory=time.monotonic)


class FaultServer(ThreadingHTTPServer):
    """The server; ``served`` grows with every request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, behaviour: Behaviour | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.behaviour = behaviour or Behaviour()
        self.served: list[Served] = []
        self.log: Path | None = None
        self.inside = 0
        self.most_inside = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._attempts: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault_for(self, question: str) -> str:
        """Return the next fault of the plan for this question, or "ok"."""
        with self.lock:
            faults = self.behaviour.plan.get(question, self.behaviour.plan.get(ANY, []))
            attempt = self._attempts[question]
            self._attempts[question] += 1
        return faults[attempt] if attempt < len(faults) else "ok"

    def gather(self, count: int) -> None:
        """Wait until so many requests are inside, or were once."""
        end_s = time.monotonic() + HANG_S
        while self.most_inside < count and time.monotonic() < end_s:
            self.stopping.wait(0.005)

    def forget(self) -> None:
        """Start as if nothing had been asked."""
        with self.lock:
            self.served.clear()
            self._attempts.clear()

    def note(self, served: Served) -> None:
        with self.lock:
            self.served.append(served)
            if self.log is not None:
                with self.log.open("a") as file:
                    file.write(json.dumps({"q": served.question, "outcome": served.outcome}) + "\n")

    def count(self, outcome: str = "ok") -> Counter[str]:
        """Return how often each question met this outcome."""
        with self.lock:
            return Counter(one.question for one in self.served if one.outcome == outcome)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = prompt_text(body)
        numbered = re.search(r"Q(\d+):", text)
        question = numbered[1] if numbered else hashlib.sha256(text.encode()).hexdigest()[:12]
        sent = {**body, **body.get("generationConfig", {})}
        server = self.server
        with server.lock:
            server.inside += 1
            server.most_inside = max(server.most_inside, server.inside)
            inside = server.inside
        try:
            behaviour = server.behaviour
            if behaviour.most_at_once is not None and inside > behaviour.most_at_once:
                fault = "429"
            elif refused := next((name for name in behaviour.refuses if name in sent), None):
                fault = f"refuse:{refused}"
                server.gather(behaviour.refuses_at_once)
            else:
                fault = server.fault_for(question)
            server.note(Served(question, fault, self.path, body, dict(self.headers)))
            if fault == "ok":
                server.stopping.wait(behaviour.delay_s)
            self._play(fault, text)
        finally:
            with server.lock:
                server.inside -= 1

    def _play(self, fault: str, text: str) -> None:
        name, _, detail = fault.partition(":")
        if name == "refuse":
            self._send(400, _unsupported(detail))
        elif name.isdigit():
            self._error(int(name), detail)
        elif name == "hang":
            self.server.stopping.wait(HANG_S)
        elif name == "trickle":
            self._trickle()
        elif name == "reset":
            self.close_connection = True
        elif name == "cut_json":
            self._send(200, json.dumps(self._good(text))[:25].encode())
        elif name == "truncated":
            self._truncated(json.dumps(self._good(text)).encode())
        elif name == "html":
            self._send(200, b"<html><body>Bad gateway</body></html>", {"Content-Type": "text/html"})
        elif name == "plain":  # what was asked for, called something else
            body = json.dumps(self._good(text)).encode()
            self._send(200, body, {"Content-Type": "text/plain"})
        elif name == "gateway":
            page = b"<html>\n<body>502 Bad gateway\nnginx</body>\n</html>"
            self._send(502, page, {"Content-Type": "text/html"})
        elif name == "json":
            self._send(200, detail.encode())
        else:
            self._send(200, self._good(text, name))

    def _good(self, text: str, variant: str = "ok") -> dict[str, Any]:
        reply = self.server.behaviour.reply or letter_for
        shape = openai_reply if "chat/completions" in self.path else google_reply
        return shape(reply(text), variant)

    def _error(self, status: int, detail: str) -> None:
        key = self.headers.get("Authorization", "") or self.headers.get("x-goog-api-key", "")
        error: dict[str, Any] = {"message": f"planned {status} for {key}", "code": detail or None}
        headers = {"Retry-After": "0"} if status == 429 else {}
        if detail.startswith("after="):
            headers["Retry-After"] = detail.removeprefix("after=")
        if detail.startswith("info="):
            info = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": info, "retryDelay": detail.removeprefix("info=")}]
        self._send(status, {"error": error}, headers)

    def _send(
        self, status: int, body: bytes | dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _truncated(self, content: bytes) -> None:
        """Announce more than is sent, then hang up."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def _trickle(self) -> None:
        """Send a byte now and then, so that no read ever times out."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        end_s = time.monotonic() + HANG_S
        while time.monotonic() < end_s and not self.server.stopping.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()


def prompt_text(body: dict[str, Any]) -> str:
    """Return all texts of a request, joined by newlines."""
    if "messages" in body:
        contents = [message["content"] for message in body["messages"]]
    else:
        contents = [content["parts"] for content in body["contents"]]
    texts = []
    for content in contents:
        parts = [{"text": content}] if isinstance(content, str) else content
        texts += [part["text"] for part in parts if "text" in part]
    return "\n".join(texts)


def letter_for(text: str) -> str:
    """Return one of the letters that the prompt offers, chosen by its hash."""
    letters = re.findall(r"^\(?([A-F])[.):]", text, re.MULTILINE) or ["A", "B"]
    return letters[int(hashlib.sha256(text.encode()).hexdigest(), 16) % len(letters)]


def openai_reply(text: str, variant: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish = "stop"
    if variant == "empty":
        message["content"] = ""
    elif variant == "refusal":
        message = {"role": "assistant", "content": None, "refusal": "I cannot help with this."}
    elif variant == "filtered":
        message["content"], finish = None, "content_filter"
    elif variant == "all_thinking":
        message["content"], finish = "", "length"
    reply: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-1",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
    }
    if variant != "no_usage":
        reply["usage"] = {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "completion_tokens_details": {"reasoning_tokens": 15},
        }
    return reply


def google_reply(text: str, variant: str) -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "index": 0,
        "finishReason": "STOP",
        "content": {
            "role": "model",
            "parts": [{"text": "hm, B?", "thought": True}, {"text": text}],
        },
    }
    reply: dict[str, Any] = {"candidates": [candidate], "modelVersion": "served-1"}
    if variant == "empty":
        candidate["content"]["parts"] = [{"text": ""}]
    elif variant == "filtered":
        del candidate["content"]
        candidate["finishReason"] = "SAFETY"
    elif variant == "refusal":
        reply = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    elif variant == "all_thinking":
        candidate["content"]["parts"] = []
        candidate["finishReason"] = "MAX_TOKENS"
    if variant != "no_usage":
        reply["usageMetadata"] = {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": OUTPUT_TOKENS - 15,
            "thoughtsTokenCount": 15,
            "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        }
    return reply


def _unsupported(parameter: str) -> dict[str, Any]:
    message = f"Unsupported parameter: '{parameter}' is not supported with this model."
    return {"error": {"message": message, "param": parameter, "code": "unsupported_parameter"}}


@contextmanager
def running(server: FaultServer) -> Iterator[FaultServer]:
    """Serve in the background."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--plan", type=json.loads, default={})
    parser.add_argument("--delay", type=float, default=0.0)
    args = parser.parse_args()
    server = FaultServer(args.port, Behaviour(plan=args.plan, delay_s=args.delay))
    server.log = args.log
    server.serve_forever()


if __name__ == "__main__":
    main()
