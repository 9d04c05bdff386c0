"""Who calls a server in a test, and waits for its answer as long as a machine with much else to do may need."""

from typing import Any

import httpx

PATIENCE_S = 60.0
"""httpx itself gives up after five seconds."""


def caller(base_url: str = "", **more: Any) -> httpx.AsyncClient:
    """A client of this server (or of any, by whole URLs) that knows nothing of the machine's proxies."""
    # Without certificates to check: loading them takes a hundred times as long as all the rest, and everything is http.
    return httpx.AsyncClient(base_url=base_url, trust_env=False, verify=False, timeout=PATIENCE_S, **more)
