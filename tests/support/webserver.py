"""A small real web server for tests: routes by path, on a loopback address of choice, and a canary that counts connections."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Route = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; routes write the answer through it."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.headers.get("Host", ""), self.path))
        self.server.headers_seen.append(dict(self.headers.items()))
        route = self.server.routes.get(self.path.partition("?")[0])
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if route is None:
                self.give("<p>nothing here</p>", status=404)
            elif isinstance(route, str):
                self.give(route)
            else:
                route(self)

    def give(self, body: str | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **(headers or {})}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


class WebServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves `routes` (path to HTML or to a function) until the block ends; `asked` holds (Host, path)."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        routes: Mapping[str, str | Route],
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__((address, port), Handler)
        self.routes = dict(routes)
        self.asked: list[tuple[str, str]] = []
        self.headers_seen: list[dict[str, str]] = []
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def pinned(self) -> str:
        return f"{self.server_address[0]}:{self.port}"

    def paths(self) -> list[str]:
        return [path for _, path in self.asked]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


def redirect(to: str, status: int = 302) -> Route:
    """A route that redirects."""
    return lambda handler: handler.give("", status=status, headers={"Location": to.encode().decode("latin-1")})


@dataclass
class Canary:
    """Listens on 127.0.0.1 and ::1 on one port and counts whoever connects."""

    port: int
    _calls: list[tuple[str, int]] = field(default_factory=list)
    _knocks: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def listen(self, server: socket.socket) -> None:
        server.settimeout(0.05)
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                client, caller = server.accept()
                self._calls.append(caller[:2])
                client.close()

    @property
    def connections(self) -> int:
        """How many connections strangers have made until now."""
        # A listener's queue is in order: once our own knock at it is counted and closed, every earlier one is counted.
        # Callers are not told apart by their ports: the system gives a port of an earlier caller again.
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, self.port), timeout=10) as knock:
                self._knocks += 1
                assert knock.recv(1) == b""
        return len(self._calls) - self._knocks


@contextlib.contextmanager
def canary(port: int = 0) -> Iterator[Canary]:
    """A canary on a free port (or on `port`)."""
    with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
        four.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        six.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        four.bind(("127.0.0.1", port))
        bird = Canary(four.getsockname()[1])
        six.bind(("::1", bird.port))
        threads = []
        for sock in (four, six):
            sock.listen(128)
            threads.append(threading.Thread(target=bird.listen, args=(sock,), daemon=True))
            threads[-1].start()
        try:
            yield bird
        finally:
            bird._stop.set()
            for thread in threads:
                thread.join()
