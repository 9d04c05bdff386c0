"""Filters of a model's stream, fed with pieces and read as whoever shows the answer reads them."""

from collections.abc import Iterable

from rag.generation.answer_text import AnswerText
from rag.generation.reasoning import ThinkFilter


def thought(pieces: Iterable[str]) -> tuple[str, str]:
    """Answer and thinking; what is taken back becomes thinking."""
    think = ThinkFilter()
    parts = [part for piece in pieces for part in think.feed(piece)] + think.finish()
    answer = thinking = ""
    for kind, text in parts:
        if kind == "unsaid":
            answer, thinking = "", thinking + text
        elif kind == "thinking":
            thinking += text
        else:
            answer += text
    return answer, thinking


def written(pieces: Iterable[str], passages: int = 3, so_far: str = "") -> tuple[AnswerText, list[str]]:
    """The finished text, and what each piece showed; the last is what the end showed."""
    text = AnswerText(passages, so_far)
    shown = [text.feed(piece) for piece in pieces]
    return text, [*shown, text.finish()]
