"""A plain caller of the sandbox's API, without sockets, with a clock that only moves by hand."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from feishu.sandbox import Sandbox, SandboxClock, SandboxSettings
from feishu.sandbox.server.app import app_of

GROUP, ALICE, BOB = "oc_product", "ou_linxiaoman", "ou_zhouming"
TOKEN_PATH = "/auth/v3/tenant_access_token/internal"


def markdown(content: str = "", **more: Any) -> dict[str, Any]:
    """A markdown element."""
    return {"tag": "markdown", "content": content, **more}


def plain(content: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"tag": "plain_text", "content": content}


def card(*elements: dict[str, Any], **config: Any) -> dict[str, Any]:
    """A card 2.0 with these elements (one streamed markdown when none are given)."""
    return {
        "schema": "2.0",
        "config": {"update_multi": True, **config},
        "body": {"elements": list(elements) or [markdown("", element_id="answer")]},
    }


class PlatformClient:
    """Calls /open-apis with a token."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox, self.http, self.token = sandbox, http, ""

    async def sign_in(self, app_id: str | None = None, app_secret: str | None = None) -> dict[str, Any]:
        """Take a token; the whole reply."""
        settings = self.sandbox.settings
        keys = {"app_id": app_id or settings.app_id, "app_secret": app_secret or settings.app_secret}
        reply = (await self.http.post(f"/open-apis{TOKEN_PATH}", json=keys)).json()
        self.token = reply.get("tenant_access_token", self.token)
        return dict(reply)

    async def raw(self, method: str, path: str, body: Any = None, **params: str) -> httpx.Response:
        """One call; the HTTP response."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(method, f"/open-apis{path}", json=body, params=params, headers=headers)

    async def call(self, method: str, path: str, body: Any = None, **params: str) -> dict[str, Any]:
        """One call; the parsed body."""
        return dict((await self.raw(method, path, body, **params)).json())

    async def code(self, method: str, path: str, body: Any = None, **params: str) -> int:
        """One call; its code."""
        return int((await self.call(method, path, body, **params))["code"])

    async def create(self, content: dict[str, Any]) -> dict[str, Any]:
        """Create a card entity; the parsed body."""
        return await self.call("POST", "/cardkit/v1/cards", {"type": "card_json", "data": json.dumps(content)})

    async def open_stream(self, **config: Any) -> str:
        """A streaming entity's card id."""
        return str((await self.create(card(streaming_mode=True, **config)))["data"]["card_id"])

    async def content(self, card_id: str, text: str, sequence: int, element: str = "answer", **more: Any) -> int:
        """Stream a text; the code."""
        path = f"/cardkit/v1/cards/{card_id}/elements/{element}/content"
        return await self.code("PUT", path, {"content": text, "sequence": sequence, **more})

    async def settings(self, card_id: str, sequence: int, **config: Any) -> int:
        """Change settings; the code."""
        body = {"settings": json.dumps({"config": config}), "sequence": sequence}
        return await self.code("PATCH", f"/cardkit/v1/cards/{card_id}/settings", body)

    async def update(self, card_id: str, content: dict[str, Any], sequence: int) -> int:
        """Full update; the code."""
        body = {"card": {"type": "card_json", "data": json.dumps(content)}, "sequence": sequence}
        return await self.code("PUT", f"/cardkit/v1/cards/{card_id}", body)

    async def send(self, msg_type: str, content: Any, chat_id: str = GROUP, **more: Any) -> dict[str, Any]:
        """Send a message to a chat; the parsed body."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        body = {"receive_id": chat_id, "msg_type": msg_type, "content": text, **more}
        return await self.call("POST", "/im/v1/messages", body, receive_id_type="chat_id")

    async def send_entity(self, card_id: str) -> dict[str, Any]:
        """Send a card entity to the group."""
        return await self.send("interactive", {"type": "card", "data": {"card_id": card_id}})


@contextlib.asynccontextmanager
async def platform_client(settings: SandboxSettings | None = None) -> AsyncIterator[PlatformClient]:
    """A started sandbox whose clock stands still, and a caller that has a token."""
    sandbox = Sandbox(settings or SandboxSettings(), clock=SandboxClock(frozen=True, start_at=1_800_000_000.0))
    await sandbox.start()
    transport = httpx.ASGITransport(app=app_of(sandbox))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            client = PlatformClient(sandbox, http)
            await client.sign_in()
            yield client
    finally:
        await sandbox.stop()
