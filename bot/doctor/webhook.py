"""What comes in: our own address, tried as the console tries it, and what the bot notes of events and refusals."""

import secrets
from typing import TYPE_CHECKING

import orjson

from bot.doctor.findings import Finding, ago
from bot.doctor.ports import is_taken
from bot.settings import Settings
from bot.settings.console import NAMES, page
from feishu.api.client import post
from feishu.errors import TransportError
from feishu.events.crypto import encrypt
from feishu.events.webhook import HINTS
from feishu.settings import FeishuSettings

if TYPE_CHECKING:
    from bot.storage.database import Database

PATH = "/feishu/webhook"
CHALLENGE_S = 3.0
"""The console itself waits for one second."""
ANYBODY = frozenset({"other_key", "foreign", "too_large", "no_json"})
"""Reasons of `HINTS` that somebody else's request may have, too."""


async def check_own_url(settings: Settings) -> list[Finding]:
    """`feishu.public_url` answers a URL check that is encrypted with our key and holds our token."""
    feishu = settings.feishu
    if feishu.transport != "webhook" or not feishu.encrypt_key.get_secret_value():
        return []
    if not feishu.public_url:
        fix = "set FEISHU__PUBLIC_URL to the address in the console, like https://bot.example.com"
        return [Finding("webhook", "unknown", "not looked at: feishu.public_url is not set", fix)]
    url, challenge = f"{feishu.public_url}{PATH}", secrets.token_hex(8)
    asked = {
        "type": "url_verification",
        "challenge": challenge,
        "token": feishu.verification_token.get_secret_value(),
    }
    body = orjson.dumps({"encrypt": encrypt(feishu.encrypt_key.get_secret_value(), orjson.dumps(asked))})
    try:
        status, answer = await post(url, body, timeout_s=CHALLENGE_S)
    except TransportError as error:
        return [_unanswered(settings, url, error)]
    return [_answered(url, status, answer, challenge)]


def _unanswered(settings: Settings, url: str, error: TransportError) -> Finding:
    if not is_taken(settings.bot.host, settings.bot.port):
        detail = f"{url} does not answer, and no bot runs here: not looked at"
        return Finding("webhook", "unknown", detail, "start feishu-rag serve, then run feishu-rag doctor again")
    fix = "see that the address leads to bot.port through your proxy: DNS, firewall, its certificate"
    return Finding("webhook", "fail", f"{url}: {error}", fix)


def _answered(url: str, status: int, answer: bytes, challenge: str) -> Finding:
    try:
        echoed = orjson.loads(answer)
    except ValueError:
        echoed = None
    if status == 200 and isinstance(echoed, dict) and echoed.get("challenge") == challenge:
        return Finding("webhook", "ok", f"{url} answers the URL check with these keys")
    if status == 401:
        fix = (
            "restart the bot with these settings, or correct FEISHU__ENCRYPT_KEY and FEISHU__VERIFICATION_TOKEN: the "
            "bot there has others, or a proxy changes the body (its log says which)"
        )
        return Finding("webhook", "fail", f"{url} refuses a URL check with these keys (HTTP 401)", fix)
    if 300 <= status < 400:
        fix = "set feishu.public_url, and the console's request URL, to where it leads: the platform follows none"
        return Finding("webhook", "fail", f"{url} redirects (HTTP {status})", fix)
    fix = f"see what answers there in place of the bot: the proxy has to pass {PATH} on unchanged to bot.port"
    return Finding("webhook", "fail", f"{url} answers HTTP {status} without the challenge", fix)


async def arrival_findings(database: "Database", settings: Settings) -> list[Finding]:
    """By what the bot noted: events that came, and requests that were refused. Raises `StoreError`."""
    from bot.repositories.chat_facts import ARRIVED, REFUSED, ChatFacts

    noted = await ChatFacts(database).arrivals(settings.feishu.app_id)
    arrived = {key.removeprefix(ARRIVED): at for key, at in noted.items() if key.startswith(ARRIVED)}
    refused = {key.removeprefix(REFUSED): at for key, at in noted.items() if key.startswith(REFUSED)}
    last = max(arrived.values(), default=0.0)
    later = {reason: at for reason, at in refused.items() if at > last and (reason not in ANYBODY or not arrived)}
    findings = [refusal(reason, at) for reason, at in sorted(later.items())]
    if not findings and "im.message.receive_v1" in arrived:
        return [
            Finding("events", "ok", f"the last message came {ago(arrived['im.message.receive_v1'])}"),
            *_clicks(arrived),
        ]
    return findings or [Finding("events", "unknown", "not looked at: no message has come yet", _try(settings.feishu))]


def refusal(reason: str, at: float) -> Finding:
    """A request that was not proven to be the platform's, and why."""
    detail, _, fix = HINTS.get(reason, reason).partition(": ")
    when = f"a request {ago(at)}" if at else "a request just now"
    return Finding("events", "fail", f"{when} was refused: {detail}", fix or "see the bot's log: webhook_refused")


def _clicks(arrived: dict[str, float]) -> list[Finding]:
    if at := arrived.get("card.action.trigger"):
        return [Finding("callbacks", "ok", f"the last click came {ago(at)}")]
    fix = "press a button of a card; where it shows 200340, add the callback card.action.trigger in the console"
    return [Finding("callbacks", "unknown", "not looked at: no click has come yet", fix)]


def _try(feishu: FeishuSettings) -> str:
    return (
        f"start feishu-rag serve, write to the bot, and run feishu-rag doctor --wait 60; events are subscribed under "
        f"{NAMES['event']}: {page(feishu, 'event')}"
    )
