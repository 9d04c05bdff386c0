"""The least that answers on a streaming card: what `benchmarks/whole.py` measures ours beside.

No durability, no documents, no limits of its own, no buttons: an event is decrypted, its card opened, the model's
stream put onto it every 200 ms, the card closed. Its arguments: platform, model and port.
"""

import asyncio
import json
import sys
import time
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request

from feishu.events.crypto import decrypt

PLATFORM, MODEL, PORT = sys.argv[1:]
FRAME_S = 0.2
CARD: dict[str, Any] = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "body": {"elements": [{"tag": "markdown", "element_id": "answer", "content": ""}]},
}
app = FastAPI()
http = httpx.AsyncClient(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=1_000))
running: set[asyncio.Task[None]] = set()
headers: dict[str, str] = {}


async def call(method: str, path: str, **body: Any) -> Any:
    while True:  # what the platform's rates refuse is tried again, or no crowd would ever be answered
        told = (await http.request(method, f"{PLATFORM}/open-apis{path}", json=body, headers=headers)).json()
        if told.get("code") != 99991400:
            return told
        await asyncio.sleep(1)


async def answer(message_id: str, question: str) -> None:
    card = (await call("POST", "/cardkit/v1/cards", type="card_json", data=json.dumps(CARD)))["data"]["card_id"]
    shown = json.dumps({"type": "card", "data": {"card_id": card}})
    await call("POST", f"/im/v1/messages/{message_id}/reply", msg_type="interactive", content=shown)
    text, sequence, sent_at = "", 0, 0.0
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with http.stream("POST", f"{MODEL}/chat/completions", json=asked) as stream:
        async for line in stream.aiter_lines():
            if not line.startswith("data: {"):
                continue
            for choice in json.loads(line[6:])["choices"]:
                text += choice["delta"].get("content") or ""
            if time.monotonic() - sent_at > FRAME_S:
                sent_at, sequence = time.monotonic(), sequence + 1
                place = f"/cardkit/v1/cards/{card}/elements/answer/content"
                await call("PUT", place, content=text, sequence=sequence)
    await call("PUT", f"/cardkit/v1/cards/{card}/elements/answer/content", content=text, sequence=sequence + 1)
    off = json.dumps({"config": {"streaming_mode": False}})
    await call("PATCH", f"/cardkit/v1/cards/{card}/settings", settings=off, sequence=sequence + 2)


@app.post("/")
async def event(request: Request) -> dict[str, Any]:
    body = json.loads(decrypt("sandbox-encrypt-key", (await request.json())["encrypt"]))
    if body.get("type") == "url_verification":
        return {"challenge": body["challenge"]}
    message = body["event"]["message"]
    task = asyncio.create_task(answer(message["message_id"], json.loads(message["content"])["text"]))
    running.add(task)
    task.add_done_callback(running.discard)
    return {}


async def main() -> None:
    app_secret = {"app_id": "cli_sandbox", "app_secret": "sandbox-secret"}
    path = "/auth/v3/tenant_access_token/internal"
    headers["Authorization"] = "Bearer " + (await call("POST", path, **app_secret))["tenant_access_token"]
    await uvicorn.Server(uvicorn.Config(app, port=int(PORT), log_level="error")).serve()


asyncio.run(main())
