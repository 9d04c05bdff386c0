"""Answers that somebody stands for, and a snapshot of all of them, which a library is given as it is access lists."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from rag.documents import Chunk
from rag.events import Verification
from rag.scope import Scope
from rag.verified.wording import form_of, is_same

Key = tuple[frozenset[str], frozenset[str], tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage behind an answer, as it was when the answer was approved; `fingerprint` is that of its document then
    (`rag.index.base.types.Known`)."""

    chunk: Chunk
    fingerprint: str


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """An approved answer to a question, whose `wordings` are the ways in which it is asked. `text` is Markdown and
    cites its evidence as `[n]`. Who may see `collection` and every document of the evidence gets it, nobody else."""

    id: str
    wordings: tuple[str, ...]
    text: str
    collection: str
    evidence: tuple[Evidence, ...]
    by: str
    at: float
    until: float | None = None
    """When it ends, epoch seconds; None: it does not."""

    @property
    def verification(self) -> Verification:
        """What readers are told about it."""
        return Verification(self.id, self.by, self.at, self.until, self.collection)

    def is_valid(self, now: float) -> bool:
        """Whether it has not ended yet."""
        return self.until is None or now < self.until

    def is_seen(self, scope: Scope, seen: Callable[[Iterable[str]], frozenset[str]]) -> bool:
        """Whether everybody who reads what a scope shows may see all that is behind it; `seen` picks the documents that
        may be read."""
        chunks = [each.chunk for each in self.evidence]
        sources = {chunk.source for chunk in chunks}
        return scope.shows((self.collection, *(chunk.collection for chunk in chunks))) and seen(sources) >= sources


class VerifiedAnswers:
    """One snapshot, found by question. It does not change."""

    def __init__(self, answers: Iterable[VerifiedAnswer] = ()) -> None:
        self.answers = tuple(answers)
        self._by_key: dict[Key, list[tuple[str, VerifiedAnswer]]] = {}
        for answer in self.answers:
            for wording in answer.wordings:
                if key := _key(wording):
                    self._by_key.setdefault(key, []).append((wording, answer))

    def to(self, question: str) -> list[VerifiedAnswer]:
        """The answers to a question, those approved last first."""
        if not self._by_key:
            return []
        form, key = form_of(question), _key(question)
        if form is None or key is None:
            return []
        found: dict[str, VerifiedAnswer] = {}
        for wording, answer in self._by_key.get(key, ()):
            asked = form_of(wording)
            if asked is not None and is_same(form, asked):
                found[answer.id] = answer
        return sorted(found.values(), key=lambda answer: -answer.at)


NOTHING_VERIFIED = VerifiedAnswers()
VerifiedSource = Callable[[], Awaitable[VerifiedAnswers]]
"""Gives the newest snapshot, the same object as long as nothing changed. It is asked for every question; where it
raises, questions are answered from the documents."""


async def nothing_verified() -> VerifiedAnswers:
    """The source of a library without verified answers."""
    return NOTHING_VERIFIED


def _key(question: str) -> Key | None:
    form = form_of(question)
    return None if form is None else (form.kinds, form.figures, form.words)
