"""What a person does with a link that makes an app: confirm it, or refuse."""

import base64
import gzip
import secrets
from urllib.parse import parse_qs, urlsplit

import orjson

from feishu.sandbox.settings import AppSettings
from feishu.sandbox.world import PENDING, World


def confirm_app(world: World, link: str) -> AppSettings:
    """Makes the app with the name, scopes, events and callbacks that the link asks for. Raises KeyError for a link that
    is none, or is used up."""
    query = parse_qs(urlsplit(link).query)
    device = query["user_code"][0]
    if world.registrations[device] != PENDING:
        raise KeyError(device)
    packed = query["addons"][0]
    wanted = orjson.loads(gzip.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))
    made = AppSettings(
        app_id=f"cli_{secrets.token_hex(8)}",
        app_secret=secrets.token_urlsafe(16),
        encrypt_key="",
        verification_token=secrets.token_urlsafe(16),
        name=query["name"][0],
        scopes=tuple(wanted["scopes"]["tenant"]),
        subscriptions=(*wanted["events"]["items"]["tenant"], *wanted["callbacks"]["items"]),
    )
    world.register(made)
    world.registrations[device] = made
    return made


def refuse_app(world: World, link: str) -> None:
    """The person says no."""
    world.registrations[parse_qs(urlsplit(link).query)["user_code"][0]] = "access_denied"
