"""The HTTP server: keep-alive, one thread per connection, and the faults that only a socket can show."""

import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.control import PREFIX as CONTROL
from sandbox.control import Control
from sandbox.dialects import DIALECTS
from sandbox.engine import Engine
from sandbox.wire import Reply, Request, as_json, as_problem

MAX_BODY = 256 * 1024


class Application:
    """Where a request goes: to the control plane, to health, or to the dialect its path belongs to."""

    def __init__(self, engine: Engine, control: Control, api_key: str):
        self._engine, self._control, self._api_key = engine, control, api_key

    def answer(self, request: Request) -> Reply:
        if request.path.startswith(CONTROL):
            return self._control.answer(request)
        if request.path == "/health":
            return as_json(200, {"status": "ok"})
        switches = self._engine.switches
        # The spread of answer times needs no secret and no repetition.
        time.sleep((switches.latency_ms + random.uniform(0, switches.jitter_ms)) / 1000)
        for dialect in DIALECTS:
            if request.path.startswith(dialect.PREFIX):
                return dialect.answer(request, self._engine, self._api_key)
        return as_problem(404, "not_found", "No dialect has anything at this address.")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Reply]):
        self.answer = answer
        self._open: set[socket.socket] = set()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is everyday life here; anything else is printed as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Sandbox", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    timeout = 75

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return self._write(as_problem(413, "body_too_large", "Send a Content-Length of at most 256 KB."))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self.rfile.read(int(length))
        self._write(self.server.answer(Request(self.command, parts.path, query, self.headers, body)))

    def _write(self, reply: Reply) -> None:
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Door:
    """The provider's own listening socket, which a switch can close so that connections are refused."""

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Reply]):
        self._answer = answer
        self._server: Server | None = Server(address, answer)
        self.address: tuple[str, int] = self._server.server_address[:2]  # type: ignore[assignment]
        self._serve()

    def set_open(self, wanted: bool) -> None:
        if wanted and self._server is None:
            self._server = Server(self.address, self._answer)
            self._serve()
        elif not wanted and self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            server.cut_connections()

    def _serve(self) -> None:
        assert self._server is not None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
