"""A library that answers by script: slow, failing, unanswered, thinking, hostile."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.documents import Chunk, Passage
from rag.events import (
    AnswerEvent,
    Delta,
    Ending,
    Finished,
    Grounding,
    Level,
    NoEvidence,
    Prompt,
    Question,
    Reasoning,
    Retrieved,
    Usage,
)
from rag.index.base.types import Key, Known
from rag.index.outline import DocumentState, Title, states_of
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope

Script = Callable[[], AsyncGenerator[AnswerEvent, None]]

PASSAGES = (
    ("差旅报销制度", ("差旅报销制度", "三、时限"), "出差结束后 15 个自然日内提交报销单，逾期需部门负责人说明原因。"),
    ("差旅管理办法", ("差旅管理办法", "返程"), "返程当日应在系统中关闭出差单，关闭后方可报销。"),
    ("财务常见问题", ("财务常见问题",), "发票抬头必须与公司注册名称完全一致。"),
)


def passages(*parts: tuple[str, tuple[str, ...], str], link: str | None = "https://wiki.example.com/x") -> Retrieved:
    """A retrieval of passages given as (title, headings, text)."""
    found = [
        Passage(Chunk(number, f"finance/{number}.md", title, headings, text, 0, len(text), link), 1.0 / number)
        for number, (title, headings, text) in enumerate(parts, start=1)
    ]
    return Retrieved(tuple(found), 0.01)


def pieces(text: str, size: int = 5) -> Iterator[Delta]:
    """The text as a model would give it, a few characters at a time."""
    for start in range(0, len(text), size):
        yield Delta(text[start : start + size])


def telling(
    text: str,
    *,
    retrieved: Retrieved | None = None,
    reasoning: str = "",
    citations: tuple[int, ...] = (),
    model: str | None = "qwen-plus",
    size: int = 5,
    outcome: Grounding = "answered",
    ending: Ending = "",
    confidence: float | None = None,
    level: Level | None = None,
    is_calibrated: bool = False,
) -> Script:
    """Answers with `text` at once."""

    async def script() -> AsyncGenerator[AnswerEvent, None]:
        yield retrieved or passages(*PASSAGES)
        if reasoning:
            yield Reasoning(reasoning)
        for delta in pieces(text, size):
            yield delta
        usage = Usage(300, 56) if model else None
        yield Finished(text, outcome, citations, model, usage, 2.14, confidence, level, is_calibrated, ending)

    return script


def going_on(text: str, rest: str, retrieved: Retrieved | None = None) -> Script:
    """Goes on where `text` was cut, as `rag.generation.llm_generator` does."""

    async def script() -> AsyncGenerator[AnswerEvent, None]:
        yield retrieved or passages(*PASSAGES)
        yield Delta(text)
        for delta in pieces(rest):
            yield delta
        yield Finished(text + rest, "answered", (1,), "qwen-plus", Usage(350, 20), 1.0)

    return script


def refusing(text: str = "根据现有资料无法回答此问题") -> Script:
    """Knows nothing."""

    async def script() -> AsyncGenerator[AnswerEvent, None]:
        nearest = passages(*PASSAGES[:2])
        yield nearest
        yield NoEvidence(nearest.passages)
        yield Finished(text, "no_evidence", seconds=0.03)

    return script


def turning_down(text: str, sentence: str = "根据现有资料无法回答此问题") -> Script:
    """A model that writes, and turns out at its end to have said that the documents do not know."""

    async def script() -> AsyncGenerator[AnswerEvent, None]:
        found = passages(*PASSAGES)
        yield found
        for delta in pieces(text):
            yield delta
        yield NoEvidence(found.passages)
        yield Finished(sentence, "no_evidence", (), "qwen-plus", Usage(300, 9), 1.0, 0.6, "medium")

    return script


def dying(error: Exception, text: str = "") -> Script:
    """Writes `text`, then fails."""

    async def script() -> AsyncGenerator[AnswerEvent, None]:
        yield passages(*PASSAGES)
        for delta in pieces(text):
            yield delta
        raise error

    return script


@dataclass
class Gate:
    """A script that waits: `parts` are written one after the other, each when the test lets it through."""

    parts: Sequence[str]
    citations: tuple[int, ...] = ()
    so_far: str = ""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    finished: bool = False
    _passes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def open(self) -> None:
        """Lets one more step through: first the retrieval, then each part, then the end."""
        self._passes.release()

    async def script(self) -> AsyncGenerator[AnswerEvent, None]:
        try:
            await self._passes.acquire()
            yield passages(*PASSAGES)
            if self.so_far:
                yield Delta(self.so_far)
            for part in self.parts:
                await self._passes.acquire()
                yield Delta(part)
            await self._passes.acquire()
            self.finished = True
            yield Finished(self.so_far + "".join(self.parts), "answered", self.citations, "qwen-plus", None, 3.0)
        finally:
            self.closed.set()


class ScriptedLibrary:
    """Answers each question by its script; the last of several scripts stays. `otherwise` answers all others."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Script]] = {}
        self.otherwise = refusing()
        self.asked: list[str] = []
        self.questions: list[Question] = []
        self.prompts: list[Prompt] = []
        self.writes: Script = telling("你好")
        self.condensed: dict[str, str] = {}
        """How follow-ups are understood."""
        self.texts: dict[Key, tuple[Chunk, ...]] = {}
        """The documents in the index, by collection and source."""
        self.files: dict[Key, bytes] = {}

    def on(self, question: str, *scripts: Script) -> None:
        self.scripts[question] = list(scripts)

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        self.asked.append(question.text)
        self.questions.append(question)
        scripts = self.scripts.get(question.text, [self.otherwise])
        return (scripts.pop(0) if len(scripts) > 1 else scripts[0])()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent, None]:
        self.prompts.append(prompt)
        async with contextlib.aclosing(self.writes()) as events:
            async for event in events:
                if not isinstance(event, Retrieved):
                    yield event

    async def condense(self, question: Question, *, budget_s: float, is_reply: bool = False) -> str:
        return self.condensed.get(question.text, question.text) if question.history else question.text

    async def collections(self) -> tuple[str, ...]:
        return ("default", "finance")

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]:
        made = (Title(title, None, "finance", (headings[-1],)) for title, headings, _ in PASSAGES)
        return tuple(each for each in made if scope.shows((each.collection,)))[:limit]

    async def chunks_of(self, collection: str, source: str) -> tuple[Chunk, ...]:
        return self.texts.get((collection, source), ())

    async def original(self, collection: str, source: str) -> bytes | None:
        return self.files.get((collection, source))

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]:
        """As if rows of the first document were hidden, and one file had a password."""
        known: dict[Key, Known] = {
            ("default", f"finance/{number}.md"): Known("f", content="1 sheet") for number in range(1, 4)
        }
        known["default", "finance/1.md"] = Known("f", content="2 sheets", notes=("3 hidden rows were left out",))
        known["default", "finance/pay.xlsx"] = Known("f", "has a password; remove it and save the file again")
        return tuple(states_of(known, scope))

    async def passage_counts(self) -> dict[Key, int]:
        return {("default", f"finance/{number}.md"): number for number in range(1, 4)}

    async def search(self, text: str, scope: Scope) -> SearchResult:
        """Always the same, and never enough."""
        return SearchResult(passages(*PASSAGES).passages, "weak", 0.3, "low")

    async def document(self, collection: str, source: str) -> DocumentState | None:
        """One of these."""
        states = await self.documents(Scope.of([collection]))
        return next((state for state in states if state.source == source), None)


def stream_of(*events: tuple[str, dict[str, object]]) -> str:
    """A server-sent event stream as text."""
    return "".join(f"event: {name}\r\ndata: {json.dumps(body, ensure_ascii=False)}\r\n\r\n" for name, body in events)
