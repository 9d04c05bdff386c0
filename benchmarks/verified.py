"""Which questions a verified answer is given for: by the rules on words, and what an embedding model would do instead.

    python benchmarks/verified.py            words, then multilingual-e5-small
    python benchmarks/verified.py --words    a second

The questions are those of tests/quality/verified.jsonl: to each wording some that ask the same and some that nearly do.
With embeddings a question counts as the same where its cosine to the wording is far enough above those of questions
that no document is about (in standard deviations, as the floor measures), and nothing in kind, figures, names and nots
rules it out. The threshold is the lowest without a wrong match in the part `fit`; `judge` was set aside.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._modes import modes, parser_of
from rag.embedding import choose
from rag.retrieval.background_questions import QUESTIONS
from rag.settings import EmbeddingSettings
from rag.text.tokenizer import language_of
from rag.verified.wording import Form, agrees, asks_same, form_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SET = Path(__file__).parents[1] / "tests" / "quality" / "verified.jsonl"
Same = Callable[[str, str], bool]


def rows(part: str) -> list[dict[str, Any]]:
    """The questions of one part."""
    return [row for row in map(json.loads, SET.read_text("utf-8").splitlines()) if row["part"] == part]


def told(name: str, same: Same) -> None:
    """Prints precision and recall in both parts."""
    for part in ("fit", "judge"):
        right = [same(row["wording"], each) for row in rows(part) for each in row["same"]]
        wrong = [same(row["wording"], each) for row in rows(part) for each in row["other"]]
        matched = sum(right) + sum(wrong)
        precision = sum(right) / matched if matched else 1.0
        print(
            f"{name:<22} {part:<6} precision {precision:.3f} ({sum(wrong)} of {len(wrong)} near misses matched)  "
            f"recall {sum(right) / len(right):.3f} ({sum(right)} of {len(right)})"
        )


class ByMeaning:
    """How far two questions are nearer to each other than chance."""

    def __init__(self, embedding: dict[str, Any]) -> None:
        choice = choose(EmbeddingSettings(**embedding))
        if choice.open is None:
            raise SystemExit("no embedding model")
        self._embedder = choice.open()
        self._known: dict[str, NDArray[np.float32]] = {}
        self._background = {
            language: np.array([self._vector(each) for each in lines.split("\n")])
            for language, lines in QUESTIONS.items()
        }

    def standing(self, wording: str, question: str) -> float:
        """Standard deviations above background questions of the question's language."""
        vector = self._vector(wording)
        chance = self._background[language_of(question) or "en"] @ vector
        return float((self._vector(question) @ vector - chance.mean()) / chance.std())

    def same(self, wording: str, question: str) -> bool:
        """Whether they are the same by that."""
        return may_be_same(wording, question) and self.standing(wording, question) > self.threshold

    @cached_property
    def threshold(self) -> float:
        """The lowest without a wrong match in `fit`."""
        wrong = [(row["wording"], each) for row in rows("fit") for each in row["other"]]
        return max(self.standing(*pair) for pair in wrong if may_be_same(*pair))

    def _vector(self, text: str) -> "NDArray[np.float32]":
        if text not in self._known:
            self._known[text] = self._embedder.embed_question(text)
        return self._known[text]


NOTS = {"不", "没", "无", "非", "别", "not", "without", "except", "unless"}


def may_be_same(one: str, other: str) -> bool:
    """Whether the rules that no likeness overrides let two questions be the same."""
    first, second = form_of(one), form_of(other)
    return first is not None and second is not None and agrees(first, second) and marked(first) == marked(second)


def marked(form: Form) -> Counter[str]:
    """The words that no likeness overrides: names, identifiers and nots."""
    is_mixed = any(not word.isascii() for word in form.sequence)
    return Counter(
        word for word in form.sequence if word in NOTS or not word.isalpha() or (word.isascii() and is_mixed)
    )


def main() -> None:
    """Both ways."""
    arguments = parser_of(__doc__).parse_args()
    for name, embedding in modes(arguments):
        if name == "words":
            told("words", asks_same)
            continue
        near = ByMeaning(embedding)
        told("e5 alone", near.same)
        told("words, or e5", partial(_either, near))


def _either(near: ByMeaning, one: str, other: str) -> bool:
    return asks_same(one, other) or near.same(one, other)


if __name__ == "__main__":
    main()
