"""Apps made by a link: the accounts host's device flow (RFC 8628), by the official SDKs' requests (`register_app`)."""

import secrets
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feishu.sandbox.world import PENDING, World

LIVES_S = 600


class Registration:
    """Serves /oauth/v1/app/registration."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Starlette routes."""
        return [Route("/oauth/v1/app/registration", self._serve, methods=["POST"])]

    async def _serve(self, request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        match asked.get("action"):
            case "init":
                return JSONResponse({"supported_auth_methods": ["client_secret"]})
            case "begin" if asked.get("auth_method") == "client_secret" and asked.get("archetype"):
                return JSONResponse(self._begun(str(request.base_url)))
            case "poll":
                return self._polled(asked.get("device_code", ""))
            case _:
                return JSONResponse({"error": "invalid_request", "error_description": "action"}, 400)

    def _begun(self, base_url: str) -> dict[str, Any]:
        device = secrets.token_hex(8)
        self._world.registrations[device] = PENDING
        link = f"{base_url}page/launcher?user_code={device}"
        return {"device_code": device, "verification_uri_complete": link, "expires_in": LIVES_S, "interval": 1}

    def _polled(self, device: str) -> Response:
        found = self._world.registrations.get(device, "expired_token")
        if isinstance(found, str):
            return JSONResponse({"error": found}, 400)
        told = {"client_id": found.app_id, "client_secret": found.app_secret}
        return JSONResponse({**told, "user_info": {"tenant_brand": "feishu"}})
