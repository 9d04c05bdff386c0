"""A question and what was found for it to what code computes over a whole table, or to the verdict that it would have
to be computed and cannot be."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from rag.documents import Chunk, Passage
from rag.index.base.types import Key
from rag.tables.cells import fold
from rag.tables.compute import Result, compute
from rag.tables.lines import cells_of, header_text, is_bar_row, is_rule
from rag.tables.plan import TablePlan, Unclear
from rag.tables.planning import asks_for_all, plan_for
from rag.tables.reading import Lexicon
from rag.tables.whole import WholeTables
from rag.tables.wording import Language, Told, evidence, told
from rag.text.tokenizer import CJK

MOST_DOCUMENTS = 12
MOST_QUESTION_CHARS = 200
"""A longer question says more than these rules understand."""
_HAS_ROW = re.compile(r"^(?:- .*[:：]|\|.*\|)", re.MULTILINE)
_CHINESE = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True)
class Computed:
    """What came out, in words, and the passage that is its evidence."""

    result: Result
    told: Told
    passage: Passage
    language: Language


@dataclass(frozen=True, slots=True)
class Uncounted:
    """The question asks for a count, a sum or a comparison that nothing here can compute."""

    language: Language


class TableAnswers:
    """Looks whether a question can be computed from the tables of the documents that were found for it."""

    def __init__(self, whole: WholeTables) -> None:
        self._whole = whole

    def look(self, question: str, documents: Sequence[Key], today: date) -> Computed | Uncounted | None:
        """None where the question asks for nothing of the kind. Blocking. `documents` are those that a search within
        its asker's scope has read: tables of others are never opened. Raises IndexUnusable."""
        folded = fold(question)
        language: Language = "zh" if _CHINESE.search(question) else "en"
        if not folded or len(folded) > MOST_QUESTION_CHARS:
            return None
        verdicts = [plan_for(folded, lexicon, today) for lexicon in self._tables(documents)]
        result = _best([each for each in verdicts if isinstance(each, TablePlan)])
        unclear = max((each.score for each in verdicts if isinstance(each, Unclear) and each.wants_count), default=0)
        if result is not None and result.plan.score >= unclear:
            return Computed(result, told(result, language), _passage(result, language), language)
        is_wanted = asks_for_all(folded) or any(isinstance(each, Unclear) and each.wants_count for each in verdicts)
        return Uncounted(language) if is_wanted else None

    def headed(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """The passages, with the header put above rows that were cut off from it. Blocking; raises IndexUnusable."""
        return tuple(self._headed(passage) for passage in passages)

    def _headed(self, passage: Passage) -> Passage:
        chunk = passage.chunk
        lines = chunk.text.split("\n")
        first = next((at for at, line in enumerate(lines) if is_bar_row(line.strip())), None)
        if first is None or any(is_rule(line) for line in lines[first : first + 2]):
            return passage
        place = chunk.start + sum(len(line) + 1 for line in lines[:first])
        for lexicon in self._whole.of((chunk.collection, chunk.source)):
            table = lexicon.table
            if table.has_bars and table.start <= place <= table.end:
                header = header_text(table.names[: len(cells_of(lines[first]))])
                text = "\n".join([*lines[:first], header, *lines[first:]])
                return replace(passage, chunk=replace(chunk, text=text))
        return passage

    def _tables(self, documents: Sequence[Key]) -> list[Lexicon]:
        return [table for key in documents[:MOST_DOCUMENTS] for table in self._whole.of(key)]


def documents_with_rows(chunks: Iterable[Chunk]) -> tuple[Key, ...]:
    """The documents of chunks that hold rows of tables, or lists that may be such, each once."""
    keys = ((each.collection, each.source) for each in chunks if _HAS_ROW.search(each.text))
    return tuple(dict.fromkeys(keys))


def _best(plans: Sequence[TablePlan]) -> Result | None:
    """The result of the table that says most of the question; None where several say as much and differ."""
    most = max((plan.score for plan in plans), default=0)
    results = [result for plan in plans if plan.score == most and (result := compute(plan)) is not None]
    if not results:
        return None
    differing = {(each.value, tuple((of.name, of.value) for of in each.groups), _rows(each)) for each in results}
    return results[0] if len(differing) == 1 else None


def _rows(result: Result) -> tuple[tuple[str, ...], ...]:
    """The rows that made it, as they stand there: two copies of a table come to the same."""
    return tuple(result.plan.table.rows[row] for row in result.rows)


def _passage(result: Result, language: Language) -> Passage:
    return Passage(chunk=evidence(result, language), score=1.0, coverage=1.0)
