"""How the bot behaves among people: whom it answers, how often, what it remembers, whom it asks."""

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_HOURS = re.compile(r"([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-3]):[0-5]\d")


class PeopleSettings(BaseModel):
    """Chats and people. Ids are open ids (`ou_…`) and chat ids (`oc_…`); empty lists mean everyone in the tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    allow_chats: list[str] = Field(default_factory=list, description="Only these groups are answered; empty: all")
    deny_chats: list[str] = Field(default_factory=list, description="Groups that are never answered")
    allow_people: list[str] = Field(default_factory=list, description="Only these people are answered; empty: all")
    deny_people: list[str] = Field(default_factory=list, description="People who are never answered")
    admins: list[str] = Field(
        default_factory=list, description="People whom no rate and no quiet hours hold, and who may press every button"
    )
    person_per_min: int = Field(
        60,
        ge=0,
        description="Questions a person may ask in a minute, or what counts as much: 🔄 and ▶ one, a file two, "
        "a command half of one, a vote a fifth; 0: any number",
    )
    chat_per_min: int = Field(300, ge=0, description="The same for a group, all its people together; 0: any number")
    person_waiting: int = Field(
        20, ge=0, description="Questions of a person that may wait or be answered at one time; 0: any number"
    )
    chat_waiting: int = Field(100, ge=0, description="The same for a group, all its people together; 0: any number")
    file_mb_per_day: float = Field(
        200.0, ge=0, description="MB of files that a person may send in private in 24 hours; 0: any number"
    )
    file_mb_kept: float = Field(
        50.0,
        ge=0,
        description="MB of text of those files that are kept for a person; the oldest go first; 0: any number",
    )
    file_kept_h: float = Field(
        24.0, gt=0, description="Hours that they are kept, for as long as memory_h allows to ask about them"
    )
    read_links: bool = Field(
        True,
        description="Read the Feishu documents whose links people send, with the app's own rights (not those of "
        "collections that are closed in that chat)",
    )
    quiet_hours: str = Field("", description="Hours without answers in groups, local time, like 22:00-07:30")
    regenerate_by: Literal["everyone", "asker"] = Field("everyone", description="Who may press 🔄 and ▶ (and admins)")
    stop_by: Literal["everyone", "asker"] = Field("everyone", description="Who may press ⏹ (and admins)")
    answer_at_all: bool = Field(False, description="Whether @all (@所有人) counts as a mention of the bot")
    silent_chats: list[str] = Field(
        default_factory=list,
        description="Groups where questions without a mention are answered, too, when the documents surely know "
        "(needs the scope im:message.group_msg)",
    )
    silent_confidence: float = Field(
        0.8, ge=0, le=1, description="Least confidence of an answer that nobody asked the bot for"
    )
    owners: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Collection → open ids of whom to ask where the documents do not know; * is every collection",
    )
    owner_digest: bool = Field(
        True,
        description="Send each owner a card a week about their documents: what is not answered, disliked, old or "
        "contradictory (on bot.digest_weekday at bot.digest_hour; nothing where there is nothing to say)",
    )
    stale_days: int = Field(
        365, ge=1, le=3650, description="Days without an edit after which an owner is asked whether a document holds"
    )
    verified_days: int = Field(
        180, ge=0, le=3650, description="Days that an answer verified on a card is offered to hold; 0: without an end"
    )
    verified_notice_days: int = Field(
        7, ge=0, le=365, description="Days before its end that the owner of a verified answer is asked whether it holds"
    )
    memory_turns: int = Field(6, ge=0, le=50, description="Earlier questions of a conversation that a new one sees")
    memory_tokens: int = Field(1500, ge=0, le=100_000, description="Most tokens of those questions and answers")
    memory_h: float = Field(12.0, ge=0, description="Hours after which a conversation starts anew by itself")
    condense_s: float = Field(6.0, ge=0, le=60, description="Seconds to make a follow-up understandable by itself")
    suggestions: Literal["auto", "headings", "off"] = Field(
        "auto",
        description="Follow-up questions below an answer. auto: from the headings of its sources, then the model's, "
        "which is asked once the answer's card is closed and while its server writes no answer",
    )
    propose_s: float = Field(8.0, gt=0, le=60, description="Seconds that the model has for follow-up questions")

    def owners_of(self, collections: Iterable[str]) -> tuple[str, ...]:
        """Whom to ask about documents of these collections; the owners of everything (`*`) where none has its own."""
        own = [owner for name in dict.fromkeys(collections) for owner in self.owners.get(name, [])]
        return tuple(dict.fromkeys(own or self.owners.get("*", [])))

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        if value and not _HOURS.fullmatch(value):
            raise ValueError("must look like 22:00-07:30, or be empty")
        return value
