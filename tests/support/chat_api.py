"""The chat API over real HTTP, before a library that answers by script, as the tests use it."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.caller import caller
from tests.support.scripted_library import ScriptedLibrary
from tests.support.web_door import WebDoor

DEADLINE_S = 60.0
QUESTION = "出差回来多久内要报销？"
ANSWER = "15 个自然日内 [1]。"


@dataclass
class Api:
    library: ScriptedLibrary
    door: WebDoor
    http: httpx.AsyncClient

    async def ask(self, question: str = QUESTION, **more: Any) -> dict[str, Any]:
        answer = await self.http.post("/chat", json={"question": question, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def client(door: WebDoor, **more: Any) -> httpx.AsyncClient:
    return caller(door.url, **more)


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: (name, body)."""
    told = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            told.append((fields["event"], json.loads(fields["data"])))
    return told


async def ended(api: Api, conversation_id: str, outcome: str) -> dict[str, Any]:
    """The last answer of a conversation once it has this outcome."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            turns = (await api.http.get(f"/chat/conversations/{conversation_id}")).json()["turns"]
            if turns and turns[-1]["answers"][-1]["outcome"] == outcome:
                return dict(turns[-1]["answers"][-1])


async def read(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    async with http.stream("POST", path, json=body) as answer:
        async for _ in answer.aiter_lines():
            pass
