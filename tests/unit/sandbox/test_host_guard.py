"""Only loopback names, and no other site's page, may talk to the sandbox."""

import pytest

from tests.support.platform_client import ALICE, GROUP, platform_client

SAY = {"chat_id": GROUP, "sender": ALICE, "text": "hi"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
async def test_foreign_host_names_are_refused(host: str) -> None:
    async with platform_client() as client:
        assert (await client.http.get("/", headers={"host": host})).status_code == 403


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1:9", "[::1]:9"])
async def test_loopback_names_are_served_with_a_strict_policy(host: str) -> None:
    async with platform_client() as client:
        response = await client.http.get("/", headers={"host": host})
        assert response.status_code == 200
        policy = response.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
async def test_other_sites_cannot_post(headers: dict[str, str]) -> None:
    async with platform_client() as client:
        assert (await client.http.post("/sandbox/messages", json=SAY, headers=headers)).status_code == 403
        assert client.sandbox.messages_in(GROUP) == []


async def test_the_page_itself_can_post() -> None:
    async with platform_client() as client:
        headers = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
        reply = await client.http.post("/sandbox/messages", json=SAY, headers=headers)
        assert reply.json()["delivered"] is False


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"chat_id":"oc_product","sender":"ou_x","text":"x"}'])
async def test_odd_control_calls_get_a_reason(body: bytes) -> None:
    async with platform_client() as client:
        response = await client.http.post("/sandbox/messages", content=body)
        assert response.status_code == 400
        assert response.json()["error"]
