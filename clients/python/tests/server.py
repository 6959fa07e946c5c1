"""A server that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

META = {"request_id": "7b0e0f6e-3e6b-4f0e-9a55-4f5a3c1c0a11", "timestamp": "2026-11-22T10:30:00.000Z"}


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Told:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Bytes that the head promises beyond those that come.
    missing: int = 0

    def text(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def error(status: int, code: str, *, headers: dict[str, str] | None = None, **details: Any) -> Told:
    body = {"error": {"code": code, "message": f"This is {code}.", "details": details}, "meta": META}
    return Told(status, body, headers or {})


class Server:
    """``answers`` are given one after the other; None breaks the connection. A function makes one from what was asked."""

    def __init__(self, *answers: Told | None, always: Callable[[Asked], Told] | None = None) -> None:
        self.asked: list[Asked] = []
        waiting = list(answers)
        recorded = self.asked

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, url.path, parse_qs(url.query), headers, body)
                recorded.append(asked)
                told = waiting.pop(0) if always is None else always(asked)
                self.close_connection = True
                if told is None:
                    return
                self.send_response(told.status)
                for name, value in {"Content-Type": "application/json", **told.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told.text()) + told.missing))
                self.end_headers()
                self.wfile.write(told.text())

            do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
