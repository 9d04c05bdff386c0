"""Logging a person in: OAuth's authorization code with PKCE (open.feishu.cn/document authentication-management).

The browser goes to `authorize_url` and comes back to the redirect address with a code, which `person` turns into who it
is. The address must be registered in the console; a code lives five minutes and works once.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from feishu.api.client import FeishuClient
from feishu.api.endpoints import Endpoint, Retry
from feishu.errors import BadReply, Unreachable
from feishu.settings import FeishuSettings

USER_TOKEN = Endpoint("user_token", "POST", "/oauth/v3/token", Retry.NEVER, authorised=False, of_accounts=True)
# Deprecated by the platform since 2026 (get-user-access-token.md); same parameters and answer.
USER_TOKEN_V2 = Endpoint("user_token_v2", "POST", "/open-apis/authen/v2/oauth/token", Retry.NEVER, authorised=False)
USER_INFO = Endpoint("user_info", "GET", "/open-apis/authen/v1/user_info", Retry.ALWAYS, authorised=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in. The open id is that of our own app."""

    open_id: str
    name: str
    tenant_key: str


class Login:
    """Login with one app."""

    def __init__(self, client: FeishuClient, settings: FeishuSettings) -> None:
        self._client = client
        self._settings = settings

    def authorize_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Where to send the browser. `verifier` is kept by the caller and never leaves it; its hash goes along."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self._settings.app_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._settings.accounts_url}/open-apis/authen/v1/authorize?{urlencode(query)}"

    async def person(self, *, code: str, redirect_uri: str, verifier: str) -> Person:
        """Who gave this code. Raises `ApiError`, `TransportError`."""
        asked = {
            "grant_type": "authorization_code",
            "client_id": self._settings.app_id,
            "client_secret": self._settings.app_secret.get_secret_value(),
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        token = (await self._token(asked)).get("access_token")
        if not isinstance(token, str) or not token:
            raise BadReply("no access_token in the answer", endpoint=USER_TOKEN.name)
        told = await self._client.call(USER_INFO, user_token=token)
        values = [told.get(name) for name in ("open_id", "name", "tenant_key")]
        if not all(isinstance(value, str) and value for value in values):
            raise BadReply("no open_id, name and tenant_key in the answer", endpoint=USER_INFO.name)
        return Person(*map(str, values))

    async def _token(self, asked: dict[str, Any]) -> dict[str, Any]:
        """From the current endpoint; from the deprecated one where the current cannot be reached or does not exist. A
        refusal is an answer: a code works once, so it is not asked again elsewhere."""
        try:
            return await self._client.call(USER_TOKEN, json=asked)
        except (BadReply, Unreachable):
            return await self._client.call(USER_TOKEN_V2, json=asked)
