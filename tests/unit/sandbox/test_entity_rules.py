"""Card entities: sequence, streaming mode, rates, life, idempotency, interaction."""

import json

import pytest

from feishu.sandbox import SandboxSettings
from tests.support.platform_client import card, markdown, plain, platform_client


async def test_sequence_rises_over_every_kind_of_write() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert await client.content(card_id, "一", 0) == 300317
        assert await client.content(card_id, "一", 5) == 0
        assert await client.settings(card_id, 5, streaming_mode=False) == 300317
        assert await client.update(card_id, card(), 4) == 300317
        assert await client.settings(card_id, 6, streaming_mode=False) == 0
        assert await client.update(card_id, card(), 7) == 0
        assert [rule.name for rule in client.sandbox.violations] == ["sequence"] * 3


@pytest.mark.parametrize("sequence", [2**31, "1", None, True, 1.5])
async def test_a_sequence_is_a_32_bit_whole_number(sequence: object) -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert await client.content(card_id, "一", sequence) == 99992402  # type: ignore[arg-type]


async def test_text_streams_only_while_streaming_mode_is_on() -> None:
    async with platform_client() as client:
        card_id = (await client.create(card()))["data"]["card_id"]
        assert await client.content(card_id, "一", 1) == 300309
        assert await client.settings(card_id, 2, streaming_mode=True) == 0
        assert await client.content(card_id, "一", 3) == 0
        assert await client.settings(card_id, 4, streaming_mode=False) == 0
        assert await client.content(card_id, "一二", 5) == 300309
        assert await client.update(card_id, card(markdown("完")), 6) == 0


async def test_ten_minutes_after_opening_the_platform_closes_the_stream() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        client.sandbox.advance(599)
        assert await client.content(card_id, "一", 1) == 0
        client.sandbox.advance(1)
        assert not client.sandbox.world.entities[card_id].streaming
        assert await client.content(card_id, "一二", 2) == 200850
        assert await client.content(card_id, "一二", 3) == 300309
        assert await client.update(card_id, card(markdown("全文")), 4) == 0
        assert await client.settings(card_id, 5, streaming_mode=True) == 0
        client.sandbox.advance(599)
        assert client.sandbox.world.entities[card_id].streaming


async def test_only_text_elements_that_exist_can_be_streamed() -> None:
    async with platform_client() as client:
        button = {"tag": "button", "element_id": "b1", "text": plain("按")}
        content = card(markdown("", element_id="answer"), button, streaming_mode=True)
        card_id = (await client.create(content))["data"]["card_id"]
        assert await client.content(card_id, "一", 1, element="b1") == 300310
        assert await client.content(card_id, "一", 2, element="nobody") == 300313
        assert await client.content(card_id, "", 3) == 99992402


async def test_ten_writes_a_second_to_one_card() -> None:
    async with platform_client() as client:
        card_id, other = await client.open_stream(), await client.open_stream()
        for sequence in range(1, 11):
            assert await client.content(card_id, "一" * sequence, sequence) == 0
        assert await client.content(card_id, "满", 11) == 99991400
        assert await client.content(other, "一", 1) == 0
        client.sandbox.advance(1)
        assert await client.content(card_id, "又可以", 12) == 0


async def test_the_code_of_the_card_rate_can_be_chosen() -> None:
    async with platform_client(SandboxSettings(card_rate_code=230020)) as client:
        card_id = await client.open_stream()
        codes = [await client.content(card_id, "一", sequence) for sequence in range(1, 12)]
        assert codes == [0] * 10 + [230020]


async def test_a_frame_over_30_kb_is_refused_and_changes_nothing() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert await client.content(card_id, "好", 1) == 0
        assert await client.content(card_id, "好" * 10_300, 2) == 200860
        assert client.sandbox.world.entities[card_id].card["body"]["elements"][0]["content"] == "好"


async def test_a_repeated_uuid_applies_once() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert await client.content(card_id, "一", 1, uuid="u1") == 0
        assert await client.content(card_id, "一", 1, uuid="u1") == 0
        assert await client.content(card_id, "二", 2, uuid="u1") == 200770
        assert await client.content(card_id, "二", 2, uuid="u" * 65) == 99992402
        assert len(client.sandbox.world.entities[card_id].frames) == 1


async def test_an_entity_lives_fourteen_days_and_belongs_to_its_app() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        client.sandbox.advance(14 * 24 * 3600 + 1)
        await client.sign_in()
        assert await client.update(card_id, card(), 1) == 200750
        assert await client.update("7000", card(), 1) == 200740
        assert (await client.send_entity(card_id))["code"] == 230099


async def test_an_entity_is_sent_once() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert (await client.send_entity(card_id))["code"] == 0
        assert (await client.send_entity(card_id))["code"] == 230099
        assert [rule.name for rule in client.sandbox.violations] == ["entity_sent_twice"]


async def test_an_entity_without_its_wrapper_does_not_parse() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        reply = await client.send("interactive", {"card_id": card_id})
        assert (reply["code"], "ErrCode: 200621" in reply["msg"]) == (230099, True)


async def test_a_full_update_that_does_not_name_streaming_leaves_it_on() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        assert await client.update(card_id, card(markdown("", element_id="answer")), 1) == 0
        assert client.sandbox.world.entities[card_id].streaming
        assert await client.update(card_id, card(streaming_mode=False), 2) == 0
        assert not client.sandbox.world.entities[card_id].streaming


async def test_batch_update_is_all_or_nothing() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        path = f"/cardkit/v1/cards/{card_id}/batch_update"
        close = {"action": "partial_update_setting", "params": {"settings": {"config": {"streaming_mode": False}}}}
        add = {"action": "add_elements", "params": {"type": "append", "elements": [markdown("来源", element_id="src")]}}
        gone = {"action": "delete_elements", "params": {"element_ids": ["nobody"]}}
        assert await client.code("POST", path, {"sequence": 1, "actions": json.dumps([add, close, gone])}) == 300314
        entity = client.sandbox.world.entities[card_id]
        assert (len(entity.card["body"]["elements"]), entity.streaming) == (1, True)
        assert await client.code("POST", path, {"sequence": 2, "actions": json.dumps([add, close])}) == 0
        assert (len(entity.card["body"]["elements"]), entity.streaming) == (2, False)


async def test_element_calls() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        base = f"/cardkit/v1/cards/{card_id}/elements"
        new = json.dumps([markdown("前", element_id="head")])
        insert = {"type": "insert_before", "target_element_id": "answer", "elements": new, "sequence": 1}
        assert await client.code("POST", base, insert) == 0
        assert await client.code("POST", base, {**insert, "sequence": 2}) == 300301
        part = {"partial_element": json.dumps({"content": "新"}), "sequence": 3}
        assert await client.code("PATCH", f"{base}/head", part) == 0
        other = {"partial_element": json.dumps({"tag": "hr"}), "sequence": 4}
        assert await client.code("PATCH", f"{base}/head", other) == 300312
        assert await client.code("DELETE", f"{base}/nobody", {"sequence": 5}) == 300314
        assert await client.code("DELETE", f"{base}/answer", {"sequence": 6}) == 0
        elements = client.sandbox.world.entities[card_id].card["body"]["elements"]
        assert [(e["element_id"], e["content"]) for e in elements] == [("head", "新")]


async def test_a_rewritten_prefix_is_noted() -> None:
    async with platform_client() as client:
        card_id = await client.open_stream()
        await client.content(card_id, "你好", 1)
        await client.content(card_id, "你好，世界", 2)
        assert client.sandbox.journal.of("note", "prefix_rewritten") == []
        await client.content(card_id, "世界", 3)
        assert len(client.sandbox.journal.of("note", "prefix_rewritten")) == 1
