"""A forward proxy for plain HTTP on a free port: whatever host is asked for, it asks one server of this machine."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx


class Proxy:
    """`address` is for HTTP_PROXY; `asked` are the addresses that were asked for, in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[str] = []


@contextlib.contextmanager
def forwarding_to(origin: str) -> Iterator[Proxy]:
    """A proxy in a thread of its own; `origin` is where everything goes, like http://127.0.0.1:8000."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            proxy.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            path = urlsplit(self.path).path
            with httpx.Client(trust_env=False) as client:
                reply = client.post(origin + path, content=body, headers={"content-type": "application/json"})
            self.send_response(reply.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join(timeout=30)
