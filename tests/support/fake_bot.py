"""A tiny bot for trying the sandbox: hears events, streams one card through plain httpx calls, answers clicks."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feishu.events.crypto import decrypt, sign
from feishu.sandbox import AppSettings, Sandbox
from tests.support.caller import caller

ANSWER = """出差返回后 **10 个工作日内**提交报销单 [1]，逾期需部门负责人说明原因 [2]。

| 费用 | 上限 | 凭证 |
|---|---|---|
| 住宿 | 500 元/晚 | 发票 |
| 市内交通 | 实报实销 | 行程单 |

1. 登录 OA，选择 `差旅报销`
2. 上传发票与行程单
    - 电子发票要 PDF
3. 提交给 <font color='green'>直属上级</font> 审批 <text_tag color='blue'>2 天内</text_tag>

```python
def deadline(back: date) -> date:
    return add_workdays(back, 10)
```

> 跨月的单据请在当月 25 日前提交 ✅ &#60;财务部&#62;
"""


def text(content: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"tag": "plain_text", "content": content}


def callback(act: str) -> list[dict[str, Any]]:
    """A behaviour that calls back."""
    return [{"type": "callback", "value": {"act": act, "id": "42"}}]


def streaming_card(question: str) -> dict[str, Any]:
    """The card as it opens."""
    return {
        "schema": "2.0",
        "config": {
            "streaming_mode": True,
            "update_multi": True,
            "streaming_config": {
                "print_frequency_ms": {"default": 30},
                "print_step": {"default": 3},
                "print_strategy": "fast",
            },
        },
        "header": {"title": text("知识库助手"), "subtitle": text(question), "template": "blue"},
        "body": {
            "elements": [
                {"tag": "div", "element_id": "stage", "text": {**text("检索中…"), "text_size": "notation"}},
                {"tag": "markdown", "element_id": "answer", "content": " "},
                {
                    "tag": "button",
                    "element_id": "stop",
                    "text": text("⏹ 停止"),
                    "size": "small",
                    "behaviors": callback("stop"),
                },
            ]
        },
    }


def final_card(question: str, answer: str = ANSWER) -> dict[str, Any]:
    """The card at rest: sources, votes, a form."""
    button = {"tag": "button", "size": "small"}
    votes = [
        {**button, "element_id": "up", "text": text("👍 有用"), "behaviors": callback("up")},
        {**button, "element_id": "down", "text": text("👎 没用"), "behaviors": callback("down")},
        {
            **button,
            "element_id": "again",
            "text": text("🔄 重新生成"),
            "behaviors": callback("again"),
            "confirm": {"title": text("重新生成？"), "text": text("会替换现在的回答")},
        },
        {**button, "element_id": "off", "text": text("已停用"), "disabled": True},
    ]
    columns = [{"tag": "column", "width": "auto", "elements": [vote]} for vote in votes]
    kinds = [{"text": text(word), "value": word} for word in ("答非所问", "过时", "不完整")]
    return {
        "schema": "2.0",
        "config": {"update_multi": True},
        "header": {
            "title": text("知识库助手"),
            "subtitle": text(question),
            "template": "green",
            "text_tag_list": [{"tag": "text_tag", "text": text("已完成"), "color": "green"}],
        },
        "body": {
            "elements": [
                {"tag": "markdown", "element_id": "answer", "content": answer},
                {
                    "tag": "collapsible_panel",
                    "element_id": "sources",
                    "expanded": False,
                    "header": {
                        "title": text("📚 来源（2）"),
                        "icon": {"tag": "standard_icon", "token": "down-small-ccm_outlined"},
                    },
                    "border": {"color": "grey", "corner_radius": "6px"},
                    "elements": [{"tag": "markdown", "content": "**[1] 差旅报销制度** › 时限\n\n**[2] 财务 FAQ**"}],
                },
                {"tag": "hr"},
                {"tag": "column_set", "flex_mode": "flow", "horizontal_spacing": "8px", "columns": columns},
                {
                    "tag": "form",
                    "name": "why",
                    "elements": [
                        {"tag": "select_static", "name": "kind", "placeholder": text("哪里不好？"), "options": kinds},
                        {"tag": "input", "name": "reason", "placeholder": text("补充说明（可不填）")},
                        {
                            "tag": "button",
                            "name": "send",
                            "type": "primary",
                            "text": text("提交"),
                            "form_action_type": "submit",
                            "behaviors": callback("why"),
                        },
                    ],
                },
                {
                    "tag": "div",
                    "text": {**text("示例模型 · 3.2 s · 412 tokens"), "text_size": "notation", "text_color": "grey"},
                },
            ]
        },
    }


class FakeBot:
    """Answers every message with the same answer, in frames of `step` characters, `pause_s` apart.

    Its cards stream on until `may_end` is set, as it is from the beginning.
    """

    def __init__(
        self, api: str, app: AppSettings, *, answer: str = ANSWER, step: int = 24, pause_s: float = 0.12
    ) -> None:
        self._app, self._answer, self._step, self._pause_s = app, answer, step, pause_s
        self._http = caller(api)
        self._tasks: set[asyncio.Task[None]] = set()
        self.events: list[dict[str, Any]] = []
        self.presses: list[dict[str, Any]] = []
        self.callback_answer: Any = {"toast": {"type": "success", "content": "已收到，谢谢！"}}
        self.callback_status = 200
        self.callback_gate: asyncio.Event | None = None
        self.pressed = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.status = 200
        self.answering = True
        self.asgi = Starlette(routes=[Route("/feishu/webhook", self._hear, methods=["POST"])])

    async def aclose(self) -> None:
        """Ends answers under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _hear(self, request: Request) -> Response:
        raw = await request.body()
        body = json.loads(decrypt(self._app.encrypt_key, json.loads(raw)["encrypt"]))
        if body.get("type") == "url_verification":
            return JSONResponse({"challenge": body["challenge"]})
        headers = request.headers
        parts = (headers["x-lark-request-timestamp"], headers["x-lark-request-nonce"], self._app.encrypt_key)
        if sign(*parts, raw) != headers["x-lark-signature"]:
            return Response(status_code=401)
        if body["header"]["event_type"] == "card.action.trigger":
            self.presses.append(body)
            self.pressed.set()
            if self.callback_gate:
                await self.callback_gate.wait()
            return JSONResponse(self.callback_answer, self.callback_status)
        self.events.append(body)
        if self.status == 200 and self.answering and body["header"]["event_type"] == "im.message.receive_v1":
            task = asyncio.create_task(self._reply(body["event"]["message"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return JSONResponse({}, self.status)

    async def call(self, method: str, path: str, **json_body: Any) -> dict[str, Any]:
        """One API call with a token; the parsed body."""
        headers = await self._authorization()
        response = await self._http.request(method, f"/open-apis{path}", json=json_body or None, headers=headers)
        return dict(response.json())

    async def download(self, message_id: str, key: str, kind: str) -> bytes:
        """A message's image or file."""
        path = f"/open-apis/im/v1/messages/{message_id}/resources/{key}"
        response = await self._http.get(path, params={"type": kind}, headers=await self._authorization())
        return response.raise_for_status().content

    async def _authorization(self) -> dict[str, str]:
        keys = {"app_id": self._app.app_id, "app_secret": self._app.app_secret}
        token = (await self._http.post("/open-apis/auth/v3/tenant_access_token/internal", json=keys)).json()
        return {"Authorization": f"Bearer {token.get('tenant_access_token', '')}"}

    async def _reply(self, message: dict[str, Any]) -> None:
        question = str(json.loads(message["content"]).get("text", ""))[:60]
        for mention in message.get("mentions", ()):
            question = question.replace(mention["key"], "").strip()
        opening = json.dumps(streaming_card(question), ensure_ascii=False)
        card_id = (await self.call("POST", "/cardkit/v1/cards", type="card_json", data=opening))["data"]["card_id"]
        entity = json.dumps({"type": "card", "data": {"card_id": card_id}})
        await self.call(
            "POST", f"/im/v1/messages/{message['message_id']}/reply", msg_type="interactive", content=entity
        )
        sequence, card = 0, f"/cardkit/v1/cards/{card_id}"
        for end in range(self._step, len(self._answer) + self._step, self._step):
            sequence += 1
            shown = self._answer[:end]
            await self.call("PUT", f"{card}/elements/answer/content", content=shown, sequence=sequence)
            await asyncio.sleep(self._pause_s)
        await self.may_end.wait()
        closing = json.dumps({"config": {"streaming_mode": False, "summary": {"content": "出差返回后 10 个工作日内"}}})
        await self.call("PATCH", f"{card}/settings", settings=closing, sequence=sequence + 1)
        final = final_card(question, self._answer)
        final["config"]["summary"] = {"content": "出差返回后 10 个工作日内"}
        data = json.dumps(final, ensure_ascii=False)
        await self.call("PUT", card, card={"type": "card_json", "data": data}, sequence=sequence + 2)


@contextlib.asynccontextmanager
async def fake_bot(sandbox: Sandbox, api: str, app: AppSettings | None = None, **how: Any) -> AsyncIterator[FakeBot]:
    """A fake bot on a free port, registered as the app's webhook."""
    app = app or sandbox.settings.first_app()
    bot = FakeBot(api, app, **how)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # TCP named: no Nagle delay
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(bot.asgi, log_level="warning", access_log=False, lifespan="off"))
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sandbox.set_webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/feishu/webhook", app_id=app.app_id)
    try:
        yield bot
    finally:
        server.should_exit = True
        await serving
        await bot.aclose()
        listener.close()
