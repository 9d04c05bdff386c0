"""A refusal as the platform words it: a code, a message, an HTTP status; and what no client lets a person do."""

from dataclasses import dataclass, field


@dataclass
class Refused(Exception):
    """The platform does not do what was asked.

    `rule` names the rule the caller broke (shown red in the inspector, counted by tests); it is None where the caller
    could not have known, like an expired token or somebody clicking at that moment.
    """

    code: int
    msg: str
    rule: str | None = None
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class CardInvalid(Exception):
    """The card's content is refused. CardKit answers `code` itself; message calls wrap it in 230099."""

    code: int
    msg: str
    rule: str

    def by_cardkit(self) -> Refused:
        """As a CardKit call answers."""
        return Refused(self.code, self.msg, self.rule)

    def by_message(self) -> Refused:
        """As send, reply and PATCH answer (im-v1/message/create: 230099 holds the inner ErrCode)."""
        text = f"Failed to create card content, ext=ErrCode: {self.code}; ErrMsg: {self.msg}; ErrorValue: ; "
        return Refused(230099, text, self.rule)


def field_violation(what: str) -> Refused:
    """99992402: a parameter is missing or of the wrong shape."""
    return Refused(99992402, f"field validation failed: {what}", "parameters")


class Impossible(ValueError):
    """A person cannot do that in any client: unknown chat, not a member, no such message."""
