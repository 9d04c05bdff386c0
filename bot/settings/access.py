"""Who sees which collections: the rules as they are written. `bot.access` reads them."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rag.scope import DEFAULT_COLLECTION
from rag.settings import RagSettings

_CHAT, _PERSON = re.compile(r"oc_\S+"), re.compile(r"ou_\S+")


class AccessSettings(BaseModel):
    """Who sees which collections: a chat or person with a rule sees exactly those; without one, the `public` ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chats: dict[str, list[str]] = Field(
        default_factory=dict,
        description='Chat → its collections, like {"oc_hr": ["hr", "handbook"]}; in a group no other rule counts',
    )
    people: dict[str, list[str]] = Field(
        default_factory=dict,
        description='Person → collections in private chats, like {"ou_boss": ["hr"]}; [] sees nothing',
    )

    rights: Literal["off", "mirror"] = Field(
        "off",
        description="With mirror, a document on Feishu is used only where everybody who reads the answer may open it; "
        "needs scopes, see docs/access.md",
    )
    link_shared: bool = Field(
        True, description="Mirrored: what the whole organisation may open by its link is open to everybody in it"
    )
    rights_min: float = Field(
        30.0, gt=0, le=1440, description="Mirrored: how often the rights of all documents are read again, minutes"
    )
    rights_max_age_h: float = Field(
        24.0,
        gt=0,
        le=720,
        description="Mirrored: rights that could not be read again for so long count no more, hours",
    )
    people_max_age_min: float = Field(
        15.0, gt=0, le=1440, description="Mirrored: how long departments and groups of people are remembered, minutes"
    )

    @field_validator("chats")
    @classmethod
    def _of_chats(cls, rules: dict[str, list[str]]) -> dict[str, list[str]]:
        if not all(_CHAT.fullmatch(name) for name in rules):
            raise ValueError('must name chats by their id (oc_…), like {"oc_hr": ["hr"]}')
        return rules

    @field_validator("people")
    @classmethod
    def _of_people(cls, rules: dict[str, list[str]]) -> dict[str, list[str]]:
        if not all(_PERSON.fullmatch(name) for name in rules):
            raise ValueError('must name people by their open id (ou_…), like {"ou_boss": ["hr"]}')
        return rules


def known_collections(rag: RagSettings) -> tuple[str, ...]:
    """The names that a rule may use."""
    return tuple(sorted({DEFAULT_COLLECTION, *rag.collections}))


def unknown_in(rules: AccessSettings, rag: RagSettings) -> Iterator[tuple[str, str, str]]:
    """Every name in a rule that is no collection: the setting (`chats` or `people`), whose rule it is, the name."""
    known = known_collections(rag)
    for setting in ("chats", "people"):
        for whose, names in getattr(rules, setting).items():
            yield from ((setting, whose, name) for name in names if name not in known)
