"""Listings of the platform, page by page."""

from collections.abc import AsyncIterator
from typing import Any

from feishu.api.client import FeishuClient
from feishu.api.endpoints import Endpoint


async def entries(
    client: FeishuClient,
    endpoint: Endpoint,
    key: str,
    *,
    params: dict[str, str],
    path: dict[str, str] | None = None,
    json: Any = None,
) -> AsyncIterator[dict[str, Any]]:
    """All entries of a listing, which stand in `key`. A page without entries may have another one after it. Raises
    `FeishuError`."""
    token, tokens = "", set[str]()
    while True:
        asked = params | ({"page_token": token} if token else {})
        reply = await client.call(endpoint, path=path, params=asked, json=json)
        for entry in reply.get(key) or []:
            if isinstance(entry, dict):
                yield entry
        token = str(reply.get("page_token") or reply.get("next_page_token") or "")
        if not reply.get("has_more") or not token or token in tokens:
            return
        tokens.add(token)
