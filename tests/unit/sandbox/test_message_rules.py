"""Messages: sizes, idempotency, rates, PATCH, edit, recall, ephemeral cards."""

import json
from typing import Any

import pytest

from feishu.sandbox import AppSettings, SandboxSettings
from tests.support.platform_client import ALICE, GROUP, PlatformClient, card, markdown, platform_client

TEXT = {"text": "你好"}


async def send_text(client: PlatformClient, **more: Any) -> str:
    return str((await client.send("text", TEXT, **more))["data"]["message_id"])


async def patch(client: PlatformClient, message_id: str, content: dict[str, Any]) -> int:
    return await client.code("PATCH", f"/im/v1/messages/{message_id}", {"content": json.dumps(content)})


async def test_a_uuid_sends_once_an_hour() -> None:
    async with platform_client() as client:
        first = await send_text(client, uuid="u1")
        assert await send_text(client, uuid="u1") == first
        client.sandbox.advance(3600)
        assert await send_text(client, uuid="u1") != first
        assert (await client.send("text", TEXT, uuid="u" * 51))["code"] == 99992402


async def test_what_a_repeated_uuid_answers_can_be_chosen() -> None:
    async with platform_client(SandboxSettings(uuid_repeat="refused")) as client:
        await send_text(client, uuid="u1")
        assert (await client.send("text", TEXT, uuid="u1"))["code"] == 230049


async def test_five_messages_a_second_to_a_group_shared_by_all_bots() -> None:
    other = AppSettings("cli_other", "s2", "k2", "v2", name="另一个")
    async with platform_client(SandboxSettings(more_apps=(other,))) as client:
        for _ in range(5):
            await send_text(client)
        await client.sign_in("cli_other", "s2")
        assert (await client.send("text", TEXT))["code"] == 230020
        client.sandbox.advance(1)
        assert (await client.send("text", TEXT))["code"] == 0


async def test_five_messages_a_second_to_a_person() -> None:
    async with platform_client() as client:
        body = {"receive_id": ALICE, "msg_type": "text", "content": json.dumps(TEXT)}
        codes = [await client.code("POST", "/im/v1/messages", body, receive_id_type="open_id") for _ in range(6)]
        assert codes == [0] * 5 + [230020]


async def test_sizes() -> None:
    async with platform_client() as client:
        assert (await client.send("text", {"text": "a" * (150 * 1024 - 20)}))["code"] == 0
        assert (await client.send("text", {"text": "a" * 150 * 1024}))["code"] == 230025
        assert (await client.send("interactive", card(markdown("a" * 31_000))))["code"] == 230025


@pytest.mark.parametrize(
    ("kind", "receive_id", "code"),
    [
        ("thread_id", "omt_1", 99992402),
        ("chat_id", "oc_nobody", 230034),
        ("open_id", "ou_nobody", 99992351),
        ("chat_id", "", 99992402),
    ],
)
async def test_receivers_that_are_none(kind: str, receive_id: str, code: int) -> None:
    async with platform_client() as client:
        body = {"receive_id": receive_id, "msg_type": "text", "content": json.dumps(TEXT)}
        assert await client.code("POST", "/im/v1/messages", body, receive_id_type=kind) == code


@pytest.mark.parametrize(
    ("kind", "content"), [("text", "你好"), ("text", {}), ("post", {"post": []}), ("x", {}), ("text", "[]")]
)
async def test_contents_that_are_none(kind: str, content: Any) -> None:
    async with platform_client() as client:
        assert (await client.send(kind, content))["code"] == 230001


async def test_patch_changes_a_raw_card_five_times_a_second_for_fourteen_days() -> None:
    async with platform_client() as client:
        message_id = (await client.send("interactive", card(markdown("一"))))["data"]["message_id"]
        assert [await patch(client, message_id, card(markdown("二"))) for _ in range(6)] == [0] * 5 + [230020]
        assert client.sandbox.shown(message_id)["card"]["body"]["elements"][0]["content"] == "二"
        client.sandbox.advance(14 * 24 * 3600 + 1)
        await client.sign_in()
        assert await patch(client, message_id, card()) == 230031


async def test_patch_refuses_entities_text_and_other_peoples_messages() -> None:
    async with platform_client() as client:
        sent = await client.send_entity(await client.open_stream())
        assert await patch(client, sent["data"]["message_id"], card()) == 230001
        assert await patch(client, await send_text(client), card()) == 230001
        theirs = await client.sandbox.say(GROUP, ALICE, "hi")
        assert await patch(client, theirs.message_id, card()) == 230071
        assert {rule.name for rule in client.sandbox.violations} == {"patched_entity", "patch_kind", "not_sender"}


async def test_text_is_edited_twenty_times() -> None:
    async with platform_client() as client:
        message_id = await send_text(client)
        body = {"msg_type": "text", "content": json.dumps({"text": "改"})}
        codes = [await client.code("PUT", f"/im/v1/messages/{message_id}", body) for _ in range(21)]
        assert codes == [0] * 20 + [230072]


async def test_a_recalled_message_is_gone() -> None:
    async with platform_client() as client:
        message_id = await send_text(client)
        path = f"/im/v1/messages/{message_id}"
        assert await client.code("DELETE", path) == 0
        assert await client.code("POST", f"{path}/reply", {"msg_type": "text", "content": json.dumps(TEXT)}) == 230011
        assert (await client.call("GET", path))["data"]["items"][0]["deleted"] is True
        assert client.sandbox.shown(message_id)["text"] == ""


async def test_a_reply_stays_in_its_topic() -> None:
    async with platform_client() as client:
        root = await send_text(client)
        body = {"msg_type": "text", "content": json.dumps(TEXT), "reply_in_thread": True}
        first = (await client.call("POST", f"/im/v1/messages/{root}/reply", body))["data"]
        del body["reply_in_thread"]
        second = (await client.call("POST", f"/im/v1/messages/{first['message_id']}/reply", body))["data"]
        assert first["thread_id"] == second["thread_id"] != ""
        assert second["root_id"] == root


async def test_message_ids_are_not_card_tokens() -> None:
    async with platform_client() as client:
        assert await client.code("GET", "/im/v1/messages/c-123") == 99992354


async def test_an_ephemeral_card_is_seen_by_one_and_heard_by_nobody() -> None:
    async with platform_client() as client:
        body = {"chat_id": GROUP, "open_id": ALICE, "msg_type": "interactive", "card": card(markdown("只给你"))}
        reply = await client.call("POST", "/ephemeral/v1/send", body)
        message_id = reply["data"]["message_id"]
        assert client.sandbox.shown(message_id)["visible_to"] == ALICE
        assert await client.code("POST", "/ephemeral/v1/delete", {"message_id": message_id}) == 0
        assert client.sandbox.shown(message_id)["recalled"]


async def test_resources_belong_to_their_message() -> None:
    async with platform_client() as client:
        upload = {"owner": ALICE, "name": "a.png", "content_base64": "iVBORw==", "media_type": "image/png"}
        key = (await client.http.post("/sandbox/uploads", json=upload)).json()["key"]
        said = await client.sandbox.say(GROUP, ALICE, kind="image", content=json.dumps({"image_key": key}))
        path = f"/im/v1/messages/{said.message_id}/resources"
        assert (await client.raw("GET", f"{path}/{key}", type="image")).content == b"\x89PNG"
        assert await client.code("GET", f"{path}/img_v3_other", type="image") == 234003


async def listed(client: PlatformClient, container: str, kind: str = "thread", **more: str) -> dict[str, Any]:
    return await client.call("GET", "/im/v1/messages", container_id_type=kind, container_id=container, **more)


async def test_a_topic_is_listed_by_pages_with_its_root_and_in_either_order() -> None:
    async with platform_client() as client:
        client.sandbox.world.apps["cli_sandbox"].scopes.add("im:message.group_msg")
        root = (await client.sandbox.say(GROUP, ALICE, "root")).message_id
        for number in range(3):
            client.sandbox.advance(1)
            await client.sandbox.say(GROUP, ALICE, f"{number}", reply_to=root, in_thread=True)
        thread = client.sandbox.world.messages[root].thread_id
        first = (await listed(client, thread, sort_type="ByCreateTimeDesc", page_size="3"))["data"]
        assert [json.loads(each["body"]["content"])["text"] for each in first["items"]] == ["2", "1", "0"]
        assert first["has_more"] and first["items"][0]["thread_id"] == thread
        rest = await listed(client, thread, sort_type="ByCreateTimeDesc", page_size="3", page_token=first["page_token"])
        assert [each["message_id"] for each in rest["data"]["items"]] == [root] and not rest["data"]["has_more"]
        of_chat = (await listed(client, GROUP, "chat"))["data"]["items"]
        assert [each["message_id"] for each in of_chat] == [root], "a chat has the roots of its topics only"
        client.sandbox.hands.recall(root, ALICE)
        assert (await listed(client, thread))["data"]["items"][0]["deleted"]


async def test_the_messages_of_a_group_need_a_scope_of_their_own() -> None:
    async with platform_client() as client:
        root = (await client.sandbox.say("oc_newcomers", ALICE, "root")).message_id
        thread = client.sandbox.world.messages[root].thread_id
        assert (await listed(client, thread))["code"] == 230027
        client.sandbox.world.apps["cli_sandbox"].scopes.add("im:message.group_msg")
        assert (await listed(client, thread))["code"] == 0
        assert (await listed(client, thread, start_time="1"))["code"] == 230001
        assert (await listed(client, thread, page_size="51"))["code"] == 230001
        assert (await listed(client, "omt_none"))["code"] == 230001
        assert (await listed(client, thread, "topic"))["code"] == 99992402
        client.sandbox.world.chats["oc_newcomers"].apps.clear()
        assert (await listed(client, thread))["code"] == 230002
