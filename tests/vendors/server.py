"""A local vendor server that gives configured answers, good or bad, and records the requests."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """An answer of the server. `promised` is a wrong Content-Length; `stall` stops before the end of the body."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/csv"
    promised: int | None = None
    stall: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request as received."""

    at: float
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


Reply = Answer | Callable[[Request], Answer]


@dataclass
class VendorServer:
    """Answers each request with the next of `replies`, and repeats the last one."""

    replies: list[Reply] = field(default_factory=lambda: [Answer(status=404)])
    requests: list[Request] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End stalled answers, and close."""
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address for a vendor's setting."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, request: Request) -> Answer:
        """Record the request and choose its answer."""
        with self._lock:
            reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
            self.requests.append(request)
        return reply if isinstance(reply, Answer) else reply(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = server.answer(Request(time.monotonic(), parts.path, query, dict(self.headers), body))
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body) if answer.promised is None else answer.promised))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    if answer.stall:
                        # One byte at intervals: a time-out between bytes would never occur.
                        while not server.ended.wait(0.05):
                            self.wfile.write(b"x")
                            self.wfile.flush()
                    else:
                        self.wfile.write(answer.body)
                except OSError:
                    pass  # the client has disconnected

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
