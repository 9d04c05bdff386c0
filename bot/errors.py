"""The bot's own errors.

BotError
├─ SettingsError(key, source, fix)   configuration that cannot be used; one sentence a problem, never a secret's value
├─ StoreError                        the database refuses or cannot be reached
└─ Owed                              an answer is stored, but its card is not closed yet; tried until it is

Errors of the platform are in `feishu.errors`, those of retrieval and answering in `rag.errors`.
"""


class BotError(Exception):
    """Root of all errors of this package."""


class SettingsError(BotError):
    """A setting that cannot be used.

    `key` is its dotted path ("" when the file as a whole is meant), `source` the place it came from ("config.yaml
    line 3", "environment variable BOT__PORT"), `what` the problem, `fix` what to do. `others` are further problems of
    the same reading: `str()` of the error is one line for each.
    """

    def __init__(
        self,
        key: str,
        source: str,
        fix: str,
        *,
        what: str = "cannot be used",
        others: tuple["SettingsError", ...] = (),
    ) -> None:
        place = f"{source}:" if source else ""
        sentence = " ".join(filter(None, (place, key, what))) + (f"; {fix}" if fix else "")
        super().__init__("\n".join([sentence, *map(str, others)]))
        self.key = key
        self.source = source
        self.what = what
        self.fix = fix
        self.others = others

    @classmethod
    def joined(cls, problems: list["SettingsError"]) -> "SettingsError":
        """One error to raise for one or more problems."""
        first, *rest = problems
        return cls(first.key, first.source, first.fix, what=first.what, others=tuple(rest)) if rest else first


class StoreError(BotError):
    """The database refuses or cannot be reached; the message is one sentence without anybody's words."""


class Owed(BotError):
    """The answer is stored and safe; only its card's last frame is missing. Not counted as a failed attempt.

    `line`: the conversation in which the job waits from now on, so that nobody's next question waits for it ("" leaves
    it where it is). `since_s`: for how long it has been owed; what is owed for long is tried less often.
    """

    def __init__(self, message: str, *, line: str = "", since_s: float = 0.0) -> None:
        super().__init__(message)
        self.line = line
        self.since_s = since_s
