"""The rules every write to a card entity keeps: owner, life, rate, interaction, uuid, sequence, streaming mode."""

from typing import Any

from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import UPDATABLE_S, Call, Platform
from feishu.sandbox.rules.rates import CARD_WINDOW, message_rate, too_frequent
from feishu.sandbox.world import Entity, Frame, compact

STREAM_LIFE_S = 600.0
MAX_SEQUENCE = 2**31 - 1
MAX_FRAMES = 2_000


def close_expired(platform: Platform) -> None:
    """Streaming ends ten minutes after it was last opened, whatever was written since."""
    for entity in platform.world.entities.values():
        if entity.streaming and platform.now() - entity.streaming_opened_at >= STREAM_LIFE_S:
            entity.streaming, entity.timed_out, entity.told_timeout = False, True, False
            entity.card.setdefault("config", {})["streaming_mode"] = False
            platform.note(
                "stream_timeout", "streaming mode closed by the platform after 10 min", card_id=entity.card_id
            )
            _show(platform, entity)


def admit(platform: Platform, call: Call) -> tuple[Entity, bool]:
    """The rules every write to an entity keeps. True when this uuid was already applied with the same content."""
    close_expired(platform)
    entity = platform.world.entities.get(call.path["card_id"])
    if entity is None:
        raise Refused(200740, "card not found", "entity")
    if entity.app_id != call.app.app_id:
        raise Refused(300311, "the card belongs to another app", "entity")
    if platform.now() - entity.created_at > UPDATABLE_S:
        raise Refused(200750, "card expired", None)
    _take_card_rate(platform, entity)
    if entity.interactions or platform.now() < entity.interacting_until:
        raise Refused(200810, "the card is in an ongoing interaction", None)
    uuid = call.text("uuid", required=False, most=64)
    fingerprint = compact({k: v for k, v in call.body.items() if k not in ("sequence", "uuid")}) + call.name
    if uuid and uuid in entity.uuids:
        if entity.uuids[uuid] != fingerprint:
            raise Refused(200770, "uuid conflict", "uuid")
        return entity, True
    sequence = call.body.get("sequence")
    if isinstance(sequence, bool) or not isinstance(sequence, int) or sequence > MAX_SEQUENCE:
        raise field_violation("sequence")
    if sequence <= entity.sequence:
        raise Refused(300317, "sequence number compare failed", "sequence")
    return entity, False


def _take_card_rate(platform: Platform, entity: Entity) -> None:
    if platform.settings.card_rate_code == 230020:
        refusal = message_rate("card_rate")
    else:
        refusal = lambda wait_s: too_frequent(wait_s, CARD_WINDOW, rule="card_rate")  # noqa: E731
    platform.rates.take(("card", entity.card_id), CARD_WINDOW, refusal)


def applied(platform: Platform, call: Call, entity: Entity, element_id: str = "", content: str = "") -> dict[str, Any]:
    """Take the number, remember the uuid, keep the frame, show the card."""
    entity.sequence = call.body["sequence"]
    if uuid := call.body.get("uuid"):
        entity.uuids[uuid] = compact({k: v for k, v in call.body.items() if k not in ("sequence", "uuid")}) + call.name
    if len(entity.frames) < MAX_FRAMES:
        entity.frames.append(Frame(platform.now(), call.name, entity.sequence, element_id, content))
    _show(platform, entity)
    return {"data": {}}


def _show(platform: Platform, entity: Entity) -> None:
    if entity.message_id:
        platform.show(platform.world.messages[entity.message_id])


def require_streaming(platform: Platform, entity: Entity) -> None:
    """200850 once after the platform closed the stream, 300309 from then on and for streams closed by the app."""
    if entity.streaming:
        return
    if entity.timed_out and not entity.told_timeout:
        entity.told_timeout = True
        raise Refused(200850, "card streaming timeout", None)
    raise Refused(300309, "card streaming mode is closed", "streaming_closed")


def follow_config(platform: Platform, entity: Entity, config: dict[str, Any], *, explicit: bool) -> None:
    """Switch streaming on or off. With `explicit`, a config that does not name it leaves it as it is."""
    if explicit and "streaming_mode" not in config:
        entity.card.setdefault("config", {})["streaming_mode"] = entity.streaming
        return
    entity.streaming = config.get("streaming_mode") is True
    if entity.streaming:
        entity.streaming_opened_at, entity.timed_out, entity.told_timeout = platform.now(), False, False
