"""Calls to the platform: tokens, retries, errors; against answers of every kind."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
import respx

from feishu.api.cardkit import CardKit
from feishu.api.client import CallRecord, FeishuClient
from feishu.api.endpoints import ENDPOINTS, Endpoint, Retry
from feishu.api.messages import Messages, Sent, card_content, entity_content, text_content
from feishu.cards.elements import card, markdown
from feishu.errors import (
    ApiError,
    BadReply,
    CredentialsRejected,
    InvalidRequest,
    RateLimited,
    SequenceBehind,
    ServerError,
    TargetGone,
    Timeout,
    TokenRejected,
    TransportError,
    Unreachable,
)
from feishu.settings import FeishuSettings
from tests.support.clock import HandClock

BASE = "https://open.feishu.cn"
TOKEN_URL = f"{BASE}/open-apis/auth/v3/tenant_access_token/internal"
REPLY_URL = f"{BASE}/open-apis/im/v1/messages/om_1/reply"
TEXT_URL = f"{BASE}/open-apis/cardkit/v1/cards/7371/elements/answer/content"
BOT_URL = f"{BASE}/open-apis/bot/v3/info"
SECRET = "s3cret-of-the-app"
OK_REPLY = {"code": 0, "msg": "success", "data": {"message_id": "om_2", "chat_id": "oc_1"}}
IDEMPOTENT = Endpoint("anything", "POST", "/open-apis/anything", Retry.ALWAYS)


class World:
    """A client on a hand-moved clock before a mocked platform that gives out tokens t-1, t-2, …"""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.clock = HandClock()
        self.records: list[CallRecord] = []
        self.settings = FeishuSettings(app_id="cli_a", app_secret=SECRET)
        self.client = FeishuClient(self.settings, clock=self.clock, observe=self.records.append)
        self.tokens = router.post(TOKEN_URL).mock(side_effect=self._token)
        self.lives_s = 7200

    def _token(self, request: httpx.Request) -> httpx.Response:
        number = self.tokens.call_count + 1
        return httpx.Response(
            200, json={"code": 0, "msg": "ok", "tenant_access_token": f"t-{number:016}", "expire": self.lives_s}
        )

    async def call(self, endpoint: Endpoint = IDEMPOTENT, **arguments: Any) -> dict[str, Any]:
        return await self.clock.run(self.client.call(endpoint, **arguments))

    def answers(self, *answers: httpx.Response | Exception, url: str = f"{BASE}/open-apis/anything") -> respx.Route:
        return self.router.route(url=url).mock(side_effect=list(answers))


@pytest.fixture
async def world() -> Any:
    with respx.mock(assert_all_called=False) as router:
        made = World(router)
        yield made
        await made.client.aclose()


def refusal(code: int, status: int = 400, msg: str = "no", headers: dict[str, str] | None = None) -> httpx.Response:
    body = {"code": code, "msg": msg, "error": {"log_id": "log-in-body"}}
    return httpx.Response(status, json=body, headers=headers)


def ok(data: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"code": 0, "msg": "success", "data": {} if data is None else data})


async def test_a_reply_carries_what_the_platform_wants(world: World) -> None:
    route = world.answers(httpx.Response(200, json=OK_REPLY), url=REPLY_URL)
    sent = await world.clock.run(
        Messages(world.client).reply("om_1", entity_content("7371"), uuid="u-1", in_thread=True)
    )
    assert sent == Sent("om_2", "oc_1")
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer t-0000000000000001"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    body = json.loads(request.content)
    assert json.loads(body.pop("content")) == {"type": "card", "data": {"card_id": "7371"}}
    assert body == {"msg_type": "interactive", "uuid": "u-1", "reply_in_thread": True}


async def test_each_message_call_has_its_place_and_shape(world: World) -> None:
    messages = Messages(world.client)
    made = card([markdown("hi")])
    sent = world.answers(
        httpx.Response(200, json=OK_REPLY), url=f"{BASE}/open-apis/im/v1/messages?receive_id_type=open_id"
    )
    await world.clock.run(
        messages.send("ou_1", text_content('<at user_id="all"></at>'), uuid="u", receive_id_type="open_id")
    )
    assert json.loads(json.loads(sent.calls.last.request.content)["content"]) == {"text": '＜at user_id="all">＜/at>'}
    one = world.answers(ok(), ok({"items": [1]}), ok(), url=f"{BASE}/open-apis/im/v1/messages/om_1")
    await world.clock.run(messages.patch("om_1", made))
    assert await world.clock.run(messages.fetch("om_1")) == {"items": [1]}
    await world.clock.run(messages.recall("om_1"))
    assert [call.request.method for call in one.calls] == ["PATCH", "GET", "DELETE"]
    assert json.loads(json.loads(one.calls[0].request.content)["content"]) == made
    assert card_content(made).msg_type == "interactive"
    with pytest.raises(ValueError, match="uuid"):
        await messages.reply("om_1", text_content("x"), uuid="u" * 51)


async def test_each_card_call_has_its_place_and_shape(world: World) -> None:
    kit, made, base = CardKit(world.client), card([markdown("hi")]), f"{BASE}/open-apis/cardkit/v1/cards"
    create = world.answers(ok({"card_id": "7371"}), url=base)
    assert await world.clock.run(kit.create(made)) == "7371"
    body = json.loads(create.calls.last.request.content)
    assert (body["type"], json.loads(body["data"])) == ("card_json", made)
    text = world.answers(ok(), url=TEXT_URL)
    await world.clock.run(kit.stream_text("7371", "answer", "报销 \ud83d", sequence=3))
    assert json.loads(text.calls.last.request.content) == {"content": "报销 ?", "sequence": 3}
    settings = world.answers(ok(), url=f"{base}/7371/settings")
    await world.clock.run(kit.set_config("7371", {"streaming_mode": False}, sequence=4))
    body = json.loads(settings.calls.last.request.content)
    assert (json.loads(body["settings"]), body["sequence"]) == ({"config": {"streaming_mode": False}}, 4)
    update = world.answers(ok(), url=f"{base}/7371")
    await world.clock.run(kit.update("7371", made, sequence=5))
    body = json.loads(update.calls.last.request.content)
    assert (body["card"]["type"], json.loads(body["card"]["data"]), body["sequence"]) == ("card_json", made, 5)


async def test_taking_back_what_is_gone_is_no_error(world: World) -> None:
    route = world.answers(httpx.ReadTimeout("lost"), refusal(230011), url=f"{BASE}/open-apis/im/v1/messages/om_1")
    await world.clock.run(Messages(world.client).recall("om_1"))
    assert route.call_count == 2


async def test_path_values_stay_one_segment(world: World) -> None:
    route = world.answers(httpx.Response(200, json=OK_REPLY), url=f"{BASE}/open-apis/im/v1/messages/a%2F..%3Fb/reply")
    await world.clock.run(Messages(world.client).reply("a/..?b", text_content("x"), uuid="u"))
    assert route.called
    for odd in ("", ".", ".."):
        with pytest.raises(InvalidRequest):
            await world.clock.run(Messages(world.client).fetch(odd))


async def test_the_bot_is_known_by_its_own_key(world: World) -> None:
    bot = {"activate_status": 2, "app_name": "问答", "open_id": "ou_bot"}
    world.answers(
        httpx.Response(200, json={"code": 0, "bot": bot}),
        httpx.Response(200, json={"code": 0, "data": bot}),
        url=BOT_URL,
    )
    identity = await world.clock.run(world.client.bot_identity())
    assert (identity.open_id, identity.app_name, identity.activated) == ("ou_bot", "问答", True)
    with pytest.raises(BadReply, match="open_id"):
        await world.clock.run(world.client.bot_identity())


async def test_many_callers_share_one_token(world: World) -> None:
    world.router.route(url=f"{BASE}/open-apis/anything").mock(return_value=ok())

    async def everybody() -> None:
        await asyncio.gather(*(world.client.call(IDEMPOTENT) for _ in range(30)))

    await world.clock.run(everybody())
    assert world.tokens.call_count == 1


async def test_a_token_is_renewed_before_it_ends(world: World) -> None:
    world.router.route(url=f"{BASE}/open-apis/anything").mock(return_value=ok())
    await world.call()
    await world.clock.advance(5399)
    await world.call()
    assert world.tokens.call_count == 1
    await world.clock.advance(2)
    await world.call()
    assert world.tokens.call_count == 2


async def test_an_old_token_serves_while_it_cannot_be_renewed(world: World) -> None:
    world.router.route(url=f"{BASE}/open-apis/anything").mock(return_value=ok())
    await world.call()
    world.tokens.mock(side_effect=httpx.ConnectError("down"))
    await world.clock.advance(5500)
    await world.call()
    tried = world.tokens.call_count
    await world.call()
    assert world.tokens.call_count == tried, "not asked again at once"
    await world.clock.advance(1700)
    with pytest.raises(Unreachable):
        await world.call()


@pytest.mark.parametrize("code", [99991661, 99991663, 99991664, 99991668, 99991671, 99991677])
@pytest.mark.parametrize("status", [200, 400, 401])
async def test_a_refused_token_is_dropped_and_the_call_repeated_once(world: World, code: int, status: int) -> None:
    route = world.answers(refusal(code, status), ok({"a": 1}))
    assert await world.call() == {"a": 1}
    assert [call.request.headers["authorization"][-1] for call in route.calls] == ["1", "2"]


async def test_a_token_that_is_refused_twice_is_an_error(world: World) -> None:
    route = world.answers(refusal(99991663), refusal(99991663))
    with pytest.raises(TokenRejected):
        await world.call()
    assert (route.call_count, world.tokens.call_count) == (2, 2)


async def test_a_late_refusal_does_not_drop_the_newer_token(world: World) -> None:
    slow, fast = asyncio.Event(), 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal fast
        if request.headers["authorization"].endswith("1"):
            fast += 1
            if fast == 1:
                await slow.wait()
            return refusal(99991663)
        return ok()

    world.router.route(url=f"{BASE}/open-apis/anything").mock(side_effect=answer)
    late = asyncio.create_task(world.client.call(IDEMPOTENT))
    await world.clock.settle()
    await world.call()
    slow.set()
    await late
    assert world.tokens.call_count == 2


async def test_waiters_of_a_failed_renewal_fail_together_and_the_next_asks_anew(world: World) -> None:
    world.tokens.mock(return_value=refusal(10014))
    results: list[BaseException | dict[str, Any]] = []

    async def everybody() -> None:
        results.extend(await asyncio.gather(*(world.client.call(IDEMPOTENT) for _ in range(5)), return_exceptions=True))

    await world.clock.run(everybody())
    assert all(isinstance(result, CredentialsRejected) for result in results)
    assert world.tokens.call_count == 1
    world.tokens.mock(side_effect=world._token)
    world.answers(ok())
    await world.call()


async def test_a_caller_who_gives_up_does_not_end_the_renewal_for_others(world: World) -> None:
    gate = asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        await gate.wait()
        return httpx.Response(200, json={"code": 0, "tenant_access_token": "t-0000000000000001", "expire": 7200})

    world.tokens.mock(side_effect=slowly)
    world.router.route(url=f"{BASE}/open-apis/anything").mock(return_value=ok())
    impatient, patient = (asyncio.create_task(world.client.call(IDEMPOTENT)) for _ in range(2))
    await world.clock.settle()
    impatient.cancel()
    gate.set()
    await patient
    assert world.tokens.call_count == 1


RETRIED = [
    refusal(2200, 500),
    refusal(230049),
    refusal(1, 503),
    httpx.Response(502, html="<html>bad gateway</html>"),
    httpx.Response(200, content=b'{"code": 0, "da'),
    httpx.Response(200, json=[1]),
    httpx.Response(204),
    httpx.Response(302, headers={"location": "https://elsewhere"}),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.ConnectTimeout("slow"),
    httpx.RemoteProtocolError("cut"),
    httpx.ReadError("reset"),
    httpx.PoolTimeout("full"),
    httpx.DecodingError("gzip"),
]


@pytest.mark.parametrize(
    "failure", RETRIED, ids=lambda found: type(found).__name__ + str(getattr(found, "status_code", ""))
)
async def test_what_may_be_repeated_is_repeated_and_the_rest_is_not(world: World, failure: Any) -> None:
    route = world.answers(failure, failure, ok({"a": 1}))
    assert await world.call() == {"a": 1}
    assert route.call_count == 3
    card_text = world.answers(failure, url=TEXT_URL)
    with pytest.raises((ServerError, TransportError)):
        await world.clock.run(CardKit(world.client).stream_text("7371", "answer", "x", sequence=1))
    assert card_text.call_count == 1


async def test_retries_end(world: World) -> None:
    route = world.router.route(url=f"{BASE}/open-apis/anything").mock(side_effect=httpx.ReadTimeout("slow"))
    with pytest.raises(Timeout):
        await world.call()
    assert route.call_count == 4
    assert [record.attempt for record in world.records if record.endpoint == "anything"] == [1, 2, 3, 4]
    assert world.records[-1].outcome == "timeout"


@pytest.mark.parametrize("code", [230011, 230099, 99991672, 230001, 300317, 123456])
async def test_refusals_that_time_does_not_heal_are_not_repeated(world: World, code: int) -> None:
    route = world.answers(refusal(code))
    with pytest.raises(ApiError) as caught:
        await world.call()
    assert route.call_count == 1
    assert caught.value.code == code
    assert world.records[-1].outcome == f"code {code}"


async def test_a_rate_limit_is_waited_out_as_long_as_it_says(world: World) -> None:
    slow_down = refusal(99991400, 429, headers={"x-ogw-ratelimit-reset": "3"})
    world.answers(slow_down, ok())
    await world.call()
    assert 3.0 <= world.clock.monotonic() < 4.0


async def test_a_spent_api_is_held_for_other_callers_a_spent_chat_is_not(world: World) -> None:
    world.answers(refusal(99991400, 429, headers={"x-ogw-ratelimit-reset": "5"}), ok(), url=TEXT_URL)
    kit = CardKit(world.client)
    with pytest.raises(RateLimited) as caught:
        await world.clock.run(kit.stream_text("7371", "answer", "x", sequence=1))
    assert caught.value.wait_s == 5.0
    await world.clock.run(kit.stream_text("7371", "answer", "x", sequence=2))
    assert world.clock.monotonic() == 5.0
    world.answers(refusal(230020), ok(), url=TEXT_URL)
    with pytest.raises(RateLimited):
        await world.clock.run(kit.stream_text("7371", "answer", "x", sequence=3))
    await world.clock.run(kit.stream_text("7371", "answer", "x", sequence=4))
    assert world.clock.monotonic() == 5.0


async def test_a_wait_too_long_is_the_callers_to_decide(world: World) -> None:
    world.answers(refusal(99991400, 429, headers={"x-ogw-ratelimit-reset": "55"}))
    with pytest.raises(RateLimited):
        await world.call()


async def test_a_gateway_that_only_says_429_is_a_rate_limit(world: World) -> None:
    world.answers(httpx.Response(429, html="slow down"), url=TEXT_URL)
    with pytest.raises(RateLimited):
        await world.clock.run(CardKit(world.client).stream_text("7371", "answer", "x", sequence=1))


@pytest.mark.parametrize(
    ("answer", "log_id"),
    [
        (refusal(230011, headers={"X-Tt-Logid": "log-in-header"}), "log-in-header"),
        (refusal(230011), "log-in-body"),
        (httpx.Response(400, html="<html>", headers={"X-Tt-Logid": "log-in-header"}), "log-in-header"),
    ],
)
async def test_every_error_has_the_log_id(world: World, answer: httpx.Response, log_id: str) -> None:
    world.answers(answer, url=TEXT_URL)
    with pytest.raises((TargetGone, BadReply)) as caught:
        await world.clock.run(CardKit(world.client).stream_text("7371", "answer", "x", sequence=1))
    assert caught.value.log_id == log_id
    assert log_id in str(caught.value)


def _httpx_errors() -> list[type[Exception]]:
    found: list[type[Exception]] = [httpx.InvalidURL]
    waiting: list[type[Exception]] = [httpx.HTTPError, httpx.StreamError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", _httpx_errors())
async def test_no_error_of_the_http_library_gets_out(world: World, kind: type[Exception]) -> None:
    made = kind.__new__(kind)
    Exception.__init__(made, "boom")
    world.answers(made, url=TEXT_URL)
    with pytest.raises(TransportError) as caught:
        await world.clock.run(CardKit(world.client).stream_text("7371", "answer", "x", sequence=1))
    assert caught.value.__cause__ is made


async def test_a_frame_that_is_behind_says_so(world: World) -> None:
    world.answers(refusal(300317), url=TEXT_URL)
    with pytest.raises(SequenceBehind):
        await world.clock.run(CardKit(world.client).stream_text("7371", "answer", "x", sequence=1))


async def test_secrets_are_in_no_log_repr_or_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.answers(refusal(99991663, msg="token t-0000000000000002 is bad"), refusal(99991663, msg="t-0000000000000002"))
    with pytest.raises(TokenRejected) as caught:
        await world.call(json={"text": "my salary"})
    seen = caplog.text + repr(world.client) + repr(caught.value) + str(caught.value) + repr(world.settings)
    seen += repr(vars(world.client)) + repr(world.client._tokens.__dict__) + repr(world.records)
    for secret in (SECRET, "t-0000000000000001", "t-0000000000000002", "my salary"):
        assert secret not in seen


async def test_an_answer_without_its_id_is_a_bad_reply(world: World) -> None:
    world.router.route(url=REPLY_URL).mock(return_value=ok())
    with pytest.raises(BadReply, match="message_id"):
        await world.clock.run(Messages(world.client).reply("om_1", text_content("x"), uuid="u"))
    world.router.route(url=f"{BASE}/open-apis/cardkit/v1/cards").mock(return_value=ok())
    with pytest.raises(BadReply, match="card_id"):
        await world.clock.run(CardKit(world.client).create(card([])))
    world.tokens.mock(return_value=ok())
    fresh = FeishuClient(world.settings, clock=world.clock)
    with pytest.raises(BadReply, match="tenant_access_token"):
        await world.clock.run(fresh.call(IDEMPOTENT))
    await fresh.aclose()


async def test_closing_ends_a_renewal_under_way(world: World) -> None:
    world.tokens.mock(return_value=refusal(2200, 500))
    waiting = asyncio.create_task(world.client.call(IDEMPOTENT))
    await world.clock.settle()
    await world.client.aclose()
    with pytest.raises(Unreachable, match="closed"):
        await waiting
    assert len(asyncio.all_tasks()) == 1


def test_what_nothing_guards_against_repetition_is_never_repeated_by_the_client() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS if endpoint.retry is Retry.NEVER} == {
        "card_text",
        "card_settings",
        "card_update",
        "send_ephemeral",
        "long_connection",
    }


async def test_a_card_takes_ten_writes_a_second_whoever_makes_them(world: World) -> None:
    """cardkit-v1: 10/s for a card, of all its APIs together; another card has its own ten."""
    starts: dict[str, list[float]] = {"7371": [], "7372": []}

    def written(request: httpx.Request) -> httpx.Response:
        starts[request.url.path.split("/")[5]].append(world.clock.monotonic())
        return httpx.Response(200, json={"code": 0, "data": {}})

    world.router.route(url__startswith=f"{BASE}/open-apis/cardkit/v1/cards/").mock(side_effect=written)
    kit = CardKit(world.client)

    async def writer(card_id: str) -> None:
        await asyncio.gather(
            *(kit.stream_text(card_id, "answer", "…", sequence=number) for number in range(1, 9)),
            *(kit.set_config(card_id, {"streaming_mode": False}, sequence=number) for number in range(9, 13)),
            *(kit.update(card_id, card([markdown("…")]), sequence=number) for number in range(13, 17)),
        )

    async def both() -> None:
        await asyncio.gather(*(writer(card_id) for card_id in starts))

    await world.clock.run(both())
    for made in starts.values():
        assert len(made) == 16 and made[9] == made[0]
        assert all(later - earlier >= 1.0 for earlier, later in zip(made, made[10:], strict=False))
