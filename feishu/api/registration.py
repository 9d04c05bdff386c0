"""Making an app by a link that a person opens (or scans) in their Feishu: OAuth's device flow, RFC 8628.

The person chooses a name, sees the scopes, events and callbacks that are asked for, and confirms; the app's id and
secret come back. Tenants may want an administrator's approval, or forbid it. No page of the platform's documents
describes the calls; they are those of the official SDKs (`register_app` of lark-oapi 1.7), against
`/oauth/v1/app/registration` of the accounts host.
"""

import base64
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from feishu.api.client import post
from feishu.clock import Clock
from feishu.errors import BadReply, RegistrationFailed
from feishu.settings import ACCOUNTS_URLS

PATH = "/oauth/v1/app/registration"
FORM = "application/x-www-form-urlencoded"
CALL_S = 10.0
FIRST_PAUSE_S = 5.0
SLOWER_S = 5.0
LARK = "https://open.larksuite.com"


@dataclass(frozen=True, slots=True)
class AppWishes:
    """What the app is to have from the start: names of scopes (for the app itself), events and callbacks."""

    name: str
    scopes: Sequence[str]
    events: Sequence[str]
    callbacks: Sequence[str]

    def packed(self) -> str:
        """As the link carries it."""
        wanted = {
            "scopes": {"tenant": list(self.scopes)},
            "events": {"items": {"tenant": list(self.events)}},
            "callbacks": {"items": list(self.callbacks)},
        }
        return base64.urlsafe_b64encode(gzip.compress(orjson.dumps(wanted), mtime=0)).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Registered:
    """The new app. `is_lark`: it lives on Lark, whose base URL is another one."""

    app_id: str
    app_secret: str = field(repr=False)
    is_lark: bool = False


async def register_app(
    accounts_url: str, asked: AppWishes, show: Callable[[str, float], None], clock: Clock
) -> Registered:
    """`show` gets the link, and the seconds that it is good for; then this waits until the person has confirmed.

    Raises `RegistrationFailed`, `TransportError`.
    """
    offered = await _call(accounts_url, {"action": "init"})
    if "client_secret" not in (offered.get("supported_auth_methods") or []):
        raise RegistrationFailed("the platform does not offer to make apps by a link here; make one in the console")
    begun = await _call(
        accounts_url,
        {
            "action": "begin",
            "archetype": "PersonalAgent",
            "auth_method": "client_secret",
            "request_user_info": "open_id",
        },
    )
    device, link = begun.get("device_code"), begun.get("verification_uri_complete")
    if not isinstance(device, str) or not isinstance(link, str):
        raise BadReply("no device_code and link in the answer", endpoint=PATH)
    lives_s = float(begun.get("expires_in") or 600)
    show(_with_wishes(link, asked), lives_s)
    return await _confirmed(accounts_url, device, float(begun.get("interval") or FIRST_PAUSE_S), lives_s, clock)


async def _confirmed(accounts_url: str, device: str, pause_s: float, lives_s: float, clock: Clock) -> Registered:
    until, is_lark = clock.monotonic() + lives_s, False
    while clock.monotonic() < until:
        told = await _call(accounts_url, {"action": "poll", "device_code": device})
        if told.get("client_id") and told.get("client_secret"):
            return Registered(str(told["client_id"]), str(told["client_secret"]), is_lark)
        if (told.get("user_info") or {}).get("tenant_brand") == "lark" and not is_lark:
            accounts_url, is_lark = ACCOUNTS_URLS[LARK], True  # the person's tenant lives there
            continue
        error = str(told.get("error") or "")
        if error not in ("authorization_pending", "slow_down"):
            raise RegistrationFailed(_REASONS.get(error, f"the platform refuses it: {error or 'without a reason'}"))
        pause_s += SLOWER_S if error == "slow_down" else 0.0
        await clock.sleep(pause_s)
    raise RegistrationFailed(_REASONS["expired_token"])


_REASONS = {
    "access_denied": "the link was opened and refused",
    "expired_token": "nobody confirmed before the link ended; run it again",
}


def _with_wishes(link: str, asked: AppWishes) -> str:
    parts = urlsplit(link)
    query = [*parse_qsl(parts.query), ("from", "sdk"), ("tp", "sdk"), ("source", "feishu-rag")]
    query += [("name", asked.name), ("addons", asked.packed())]
    return urlunsplit(parts._replace(query=urlencode(query)))


async def _call(accounts_url: str, form: dict[str, str]) -> dict[str, Any]:
    """The answer; an error of the flow is an answer, too, with a status that is not 200."""
    _, content = await post(f"{accounts_url}{PATH}", urlencode(form).encode(), timeout_s=CALL_S, kind=FORM)
    try:
        found = orjson.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadReply("an answer without JSON", endpoint=PATH)
    return found
