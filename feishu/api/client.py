"""The one way out: an async HTTP client that knows tokens, budgets, retries and what the answers mean.

The platform answers `{"code": 0, "data": {…}}`; business errors come with HTTP 200, 400 or 429 and are told by `code`
(open.feishu.cn/document api-call-guide), so the body is read whatever the status. The only door to httpx. Connections
come from several small pools: a large one looks at all its connections with each call.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import orjson

from feishu.api.auth import TenantTokens
from feishu.api.availability import Availability
from feishu.api.endpoints import BOT_IDENTITY, SCOPES, TENANT_TOKEN, Endpoint, Retry
from feishu.api.error_codes import api_error
from feishu.clock import Clock, SystemClock, backoff_s
from feishu.encoding import to_bytes
from feishu.errors import (
    ApiError,
    BadReply,
    FeishuError,
    RateLimited,
    ServerError,
    Timeout,
    TokenRejected,
    TransportError,
    Unreachable,
)
from feishu.ratelimit import CARD_PER_SECOND, LANE_PER_SECOND, Budgets, FrameSchedule, Lanes, Urgency
from feishu.settings import FeishuSettings, is_loopback

T = TypeVar("T")

POOLS = 16
CALLS = 3
"""Calls at once that a pool takes before the next one is used: few calls share few connections, which stay warm."""
CONNECT_TIMEOUT_S = 5.0
ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
LONGEST_RATE_WAIT_S = 30.0
"""A wait the platform asks for beyond this is the caller's to decide."""
_JSON = "application/json; charset=utf-8"


class Pools:
    """Lends a pool to each call: the first with room, else the one with the fewest calls."""

    def __init__(self, pools: tuple[httpx.AsyncClient, ...]) -> None:
        self._pools = pools
        self._calls = [0] * len(pools)

    @contextmanager
    def one(self) -> Iterator[httpx.AsyncClient]:
        """A pool for one call."""
        calls = self._calls
        at = next((at for at, under_way in enumerate(calls) if under_way < CALLS), None)
        if at is None:
            at = calls.index(min(calls))
        calls[at] += 1
        try:
            yield self._pools[at]
        finally:
            calls[at] -= 1


def open_pools(settings: FeishuSettings) -> tuple[httpx.AsyncClient, ...]:
    """Pools with the settings' time-outs; to be closed by whoever opened them."""
    verify = httpx.create_ssl_context()
    return tuple(
        httpx.AsyncClient(
            timeout=httpx.Timeout(settings.timeout_s, connect=min(CONNECT_TIMEOUT_S, settings.timeout_s)),
            limits=httpx.Limits(max_connections=25, max_keepalive_connections=CALLS, keepalive_expiry=30.0),
            follow_redirects=False,
            trust_env=not is_loopback(settings.base_url),
            verify=verify,
        )
        for _ in range(POOLS)
    )


OF_DOWNLOADS = (403, 404)
"""Statuses that downloads answer without a code (drive-v1 media/download): no right to it, not there any more."""


def read_reply(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], content: bytes, *, wordless: Collection[int] = ()
) -> dict[str, Any]:
    """The answer's data. Raises the typed error of a refusal, or `BadReply` for what is not the platform's JSON, unless
    its status is among the `wordless`, which are then the code."""
    name, log_id = endpoint.name, headers.get("x-tt-logid", "")
    try:
        body = orjson.loads(content)
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(code, int) or isinstance(code, bool):
        if status == 429 or status in wordless:  # a gateway may say so without words
            code, body = status, {}
        else:
            raise BadReply(f"HTTP {status} without the platform's JSON", endpoint=name, log_id=log_id)
    if code == 0 and 200 <= status < 300:
        data = body.get("data", body)
        return data if isinstance(data, dict) else {}
    detail = body.get("error")
    if not log_id and isinstance(detail, dict):
        log_id = str(detail.get("log_id", ""))
    message = str(body.get("msg", ""))
    raise api_error(
        code, message, endpoint=name, path=endpoint.path, http_status=status, log_id=log_id, headers=headers
    )


def wait_before_retry(endpoint: Endpoint, error: FeishuError, attempt: int) -> float | None:
    """Seconds until the call is sent again, or None when it is not."""
    if endpoint.retry is Retry.NEVER or attempt >= ATTEMPTS:
        return None
    if isinstance(error, RateLimited):
        return error.wait_s if error.wait_s <= LONGEST_RATE_WAIT_S else None
    if isinstance(error, ServerError | TransportError):
        return backoff_s(attempt, first_s=FIRST_WAIT_S, longest_s=LONGEST_WAIT_S, jitter=0.5)
    return None


def outcome_of(error: FeishuError) -> str:
    if isinstance(error, ApiError):
        return f"code {error.code}"
    if isinstance(error, Timeout):
        return "timeout"
    return "unreachable" if isinstance(error, Unreachable) else "bad reply"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One attempt of one call: `outcome` is `ok`, `code 230020`, `timeout`, `unreachable` or `bad reply`."""

    endpoint: str
    seconds: float
    outcome: str
    attempt: int


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Who we are on the platform. `activated` is false while the app version is not released or switched off."""

    open_id: str
    app_name: str
    activated: bool


class FeishuClient:
    """Calls the open platform as one app. Errors are `ApiError` (it refused) or `TransportError` (no usable answer)."""

    def __init__(
        self,
        settings: FeishuSettings,
        *,
        http: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
        observe: Callable[[CallRecord], None] | None = None,
        retries: bool = True,
    ) -> None:
        """`http` replaces the connection pool (it is then the caller's to close); `observe` sees every attempt.
        Without `retries` a call that failed is not sent again, for whoever wants to know soon."""
        self._settings = settings
        self._hosts = (settings.base_url, settings.accounts_url)
        self._clock = clock or SystemClock()
        self._observe = observe
        self._retries = retries
        self._owned = open_pools(settings) if http is None else ()
        self._closed = False
        self.ahead_s: float | None = None
        """How far the platform's clock was ahead of ours with its last answer, by its Date header (whole seconds)."""
        self._pools = Pools((http,) if http is not None else self._owned)
        share = settings.budget_share or 1.0
        self._budgets = Budgets(share=share, clock=self._clock)
        self._lanes = Lanes(per_second=LANE_PER_SECOND, clock=self._clock, share=share)
        self._cards = Lanes(per_second=CARD_PER_SECOND, clock=self._clock)
        self.schedule = FrameSchedule(share=share, clock=self._clock)
        self._tokens = TenantTokens(self._fetch_token, self._clock)
        self.availability = Availability(self._clock)

    async def call(
        self,
        endpoint: Endpoint,
        *,
        path: dict[str, str] | None = None,
        params: Mapping[str, str | list[str]] | None = None,
        json: Any = None,
        lane: str = "",
        card: str = "",
        urgency: Urgency = Urgency.NORMAL,
        user_token: str = "",
    ) -> dict[str, Any]:
        """The `data` of the answer, or the whole body where there is none. Retries where `endpoint.retry` allows it;
        a refused token is renewed and the call repeated once. `lane` names the chat, person or message that takes no
        more than five calls a second, `card` the card that takes ten; `urgency` decides who starts first when a budget
        is short; `user_token` calls on behalf of a person instead of the app."""
        url = self._hosts[endpoint.of_accounts] + endpoint.url_path(path or {})
        content = None if json is None else to_bytes(json)
        request = _Request(endpoint, url, params, content, lane, card, urgency)
        if user_token or not endpoint.authorised:
            return await self._retried(endpoint, lambda attempt: self._send(request, user_token or None, attempt))
        return await self._retried(
            endpoint, lambda attempt: self._as_app(lambda token: self._send(request, token, attempt))
        )

    async def _retried(self, endpoint: Endpoint, once: Callable[[int], Awaitable[T]]) -> T:
        """What `once` gives, called with the number of the attempt as often as the endpoint allows."""
        attempt = 1
        while True:
            try:
                return await once(attempt)
            except (ApiError, TransportError) as error:
                wait_s = wait_before_retry(endpoint, error, attempt)
                if wait_s is None or self._closed or not self._is_worth_a_retry(endpoint, error):
                    raise
            await self._clock.sleep(wait_s)
            attempt += 1

    def _is_worth_a_retry(self, endpoint: Endpoint, error: ApiError | TransportError) -> bool:
        """Not where nobody wants it, nor where the API has been down for long, nor where no token could be had: that
        was tried again already."""
        no_token = error.endpoint == TENANT_TOKEN.name != endpoint.name
        return self._retries and not no_token and self.availability.is_worth_a_retry(endpoint.name)

    async def bot_identity(self) -> BotIdentity:
        """The bot's own open_id and name; the fact doctor and mention checks rest on."""
        reply = await self.call(BOT_IDENTITY)
        bot = reply.get("bot")  # this API answers under "bot", not under "data"
        if not isinstance(bot, dict) or not isinstance(bot.get("open_id"), str) or not bot["open_id"]:
            raise BadReply("no bot.open_id in the answer", endpoint=BOT_IDENTITY.name)
        return BotIdentity(bot["open_id"], str(bot.get("app_name", "")), bot.get("activate_status") == 2)

    async def granted_scopes(self) -> frozenset[str]:
        """The names of the scopes that the tenant has granted (application/v6/scopes)."""
        found = (await self.call(SCOPES)).get("scopes")
        items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
        return frozenset(str(item.get("scope_name", "")) for item in items if item.get("grant_status") == 1)

    async def download(
        self, endpoint: Endpoint, *, path: dict[str, str], params: dict[str, str], most_bytes: int
    ) -> bytes | None:
        """A binary answer; None when it is larger than `most_bytes`. Raises and tries again as `call` does."""

        async def fetched(token: str) -> bytes | None:
            return await self._downloaded(endpoint, token, path, params, most_bytes)

        return await self._retried(endpoint, lambda _attempt: self._as_app(fetched))

    async def _downloaded(
        self, endpoint: Endpoint, token: str, path: dict[str, str], params: dict[str, str], most_bytes: int
    ) -> bytes | None:
        request = _Request(endpoint, self._hosts[endpoint.of_accounts] + endpoint.url_path(path), params, None)
        await self._budgets.of(endpoint).take(Urgency.NORMAL)
        try:
            content, response = await self._fetch(request, token, most_bytes)
            if response.status_code != 200:
                read_reply(endpoint, response.status_code, response.headers, content, wordless=OF_DOWNLOADS)
        except FeishuError as error:
            self.availability.note(endpoint.name, error)
            if isinstance(error, RateLimited):
                self._slow_down(request, error)
            raise
        self.availability.note(endpoint.name, None)
        return None if len(content) > most_bytes else content

    async def _fetch(self, request: "_Request", token: str, most_bytes: int) -> tuple[bytes, httpx.Response]:
        """The body, cut soon after `most_bytes`."""
        content, name = bytearray(), request.endpoint.name
        method, headers = request.endpoint.method, {"Authorization": f"Bearer {token}"}
        try:
            with self._pools.one() as pool:
                async with (
                    asyncio.timeout(request.endpoint.timeout_s),
                    pool.stream(method, request.url, params=request.params, headers=headers) as response,
                ):
                    async for piece in response.aiter_bytes():
                        content += piece
                        if len(content) > most_bytes:
                            break
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Timeout("the file did not arrive in time", endpoint=name) from error
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__, endpoint=name) from error
        return bytes(content), response

    async def aclose(self) -> None:
        """Close connections and end a token renewal under way; calls still waiting fail as `Unreachable`."""
        self._closed = True
        await self._tokens.aclose()
        for pool in self._owned:
            await pool.aclose()

    async def _as_app(self, call: Callable[[str], Awaitable[T]]) -> T:
        """With the app's token; once more with a new one where the platform refuses it."""
        token = await self._tokens.get()
        try:
            return await call(token)
        except TokenRejected:
            self._tokens.drop(token)
        token = await self._tokens.get()
        try:
            return await call(token)
        except TokenRejected:
            self._tokens.drop(token)
            raise

    async def _fetch_token(self) -> tuple[str, float]:
        credentials = {
            "app_id": self._settings.app_id,
            "app_secret": self._settings.app_secret.get_secret_value(),
        }
        reply = await self.call(TENANT_TOKEN, json=credentials)
        token, lives_s = reply.get("tenant_access_token"), reply.get("expire")
        if not isinstance(token, str) or not token or not isinstance(lives_s, int | float):
            raise BadReply("no tenant_access_token in the answer", endpoint=TENANT_TOKEN.name)
        return token, float(lives_s)

    async def _send(self, request: "_Request", token: str | None, attempt: int) -> dict[str, Any]:
        """One attempt, within the API's budget, recorded whatever comes of it."""
        budget = self._budgets.of(request.endpoint)
        if request.lane:
            await self._lanes.take(request.lane, request.urgency)
        if request.card:
            await self._cards.take(request.card, request.urgency)
        await budget.take(request.urgency)
        if self._closed:
            raise Unreachable("the client was closed", endpoint=request.endpoint.name)
        began = self._clock.monotonic()
        outcome = "cancelled"
        try:
            response = await self._exchange(request, token)
            answer = read_reply(request.endpoint, response.status_code, response.headers, response.content)
            outcome = "ok"
            self.availability.note(request.endpoint.name, None)
            return answer
        except FeishuError as error:
            outcome = outcome_of(error)
            self.availability.note(request.endpoint.name, error)
            if isinstance(error, RateLimited):
                self._slow_down(request, error)
            raise
        finally:
            if self._observe is not None:
                seconds = self._clock.monotonic() - began
                self._observe(CallRecord(request.endpoint.name, seconds, outcome, attempt))

    def _slow_down(self, request: "_Request", error: RateLimited) -> None:
        """429 and 99991400 speak of the API; 230020 and the like of one chat or message."""
        if error.code in (429, 99991400):
            self._budgets.of(request.endpoint).hold(error.wait_s)
        elif request.lane:
            self._lanes.hold(request.lane, error.wait_s)

    async def _exchange(self, request: "_Request", token: str | None) -> httpx.Response:
        headers = dict(request.endpoint.headers)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if request.content is not None:
            headers["Content-Type"] = _JSON
        name = request.endpoint.name
        timeout_s = min(self._settings.timeout_s, request.endpoint.timeout_s or self._settings.timeout_s)
        try:
            # httpx limits each read; this limits the whole call, also against an answer that drips in.
            with self._pools.one() as pool:
                async with asyncio.timeout(timeout_s):
                    response = await pool.request(
                        request.endpoint.method,
                        request.url,
                        params=request.params,
                        content=request.content,
                        headers=headers,
                    )
                    self._compare_clocks(response)
                    return response
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Timeout(f"no answer within {timeout_s:g} s", endpoint=name) from error
        except httpx.TransportError as error:
            raise Unreachable(type(error).__name__, endpoint=name) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise BadReply(type(error).__name__, endpoint=name) from error

    def _compare_clocks(self, response: httpx.Response) -> None:
        with contextlib.suppress(ValueError):  # no date, or none that can be read
            self.ahead_s = parsedate_to_datetime(response.headers.get("date", "")).timestamp() - self._clock.time()

    def set_budget_share(self, share: float, *, rested: bool = False) -> None:
        """The part of the app's call budget for this process from now on; `rested` if nobody used it lately."""
        self._budgets.set_share(share)
        self._lanes.set_share(share)
        self.schedule.set_share(share, rested=rested)


@dataclass(frozen=True, slots=True)
class _Request:
    endpoint: Endpoint
    url: str
    params: Mapping[str, str | list[str]] | None
    content: bytes | None
    lane: str = ""
    card: str = ""
    urgency: Urgency = Urgency.NORMAL


async def post(url: str, body: bytes, *, timeout_s: float, kind: str = _JSON) -> tuple[int, bytes]:
    """One POST to any address: status and body, redirects not followed. Raises `Timeout`, `Unreachable`."""
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=not is_loopback(url)) as http:
            response = await http.post(url, content=body, headers={"Content-Type": kind})
            return response.status_code, response.content
    except httpx.TimeoutException as error:
        raise Timeout(f"no answer within {timeout_s:g} s", endpoint=url) from error
    except httpx.HTTPError as error:
        raise Unreachable(str(error) or type(error).__name__, endpoint=url) from error
