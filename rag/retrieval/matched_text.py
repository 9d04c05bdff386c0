"""Where the terms of a question stand in a text: for whoever looks at why a passage was found."""

from collections.abc import Iterator

from rag.text.figures import figures
from rag.text.tokenizer import bigrams, idle_places, normalise, question_terms, runs, word_terms

Span = tuple[int, int]
"""Start and end in the text, in characters."""


def matched_spans(question: str, text: str) -> list[Span]:
    """The stretches of a text that hold terms of the question, in their order, joined where they touch. What matches
    only as another word for the same thing is not among them."""
    wanted = frozenset(question_terms(question))
    folded, origins = _folded(text)
    marked = bytearray(len(text))
    for start, end in _found(folded, wanted):
        for at in range(origins[start], origins[end - 1] + 1):
            marked[at] = 1
    return list(_stretches(marked))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text normalised character by character, and the place that each character of it came from."""
    parts, origins = [], []
    for at, character in enumerate(text):
        part = character.lower() if character.isascii() else normalise(character)
        parts.append(part)
        origins += [at] * len(part)
    return "".join(parts), origins


def _found(folded: str, wanted: frozenset[str]) -> Iterator[Span]:
    for run, start, end, is_cjk in runs(folded):
        if not is_cjk:
            if not wanted.isdisjoint(word_terms(run)):
                yield start, end
            continue
        idle = idle_places(run)
        for at, pair in enumerate(bigrams(run)):
            if pair in wanted and not idle.issuperset(range(at, at + len(pair))):
                yield start + at, start + at + len(pair)
    for figure in figures(folded):
        if not wanted.isdisjoint(figure.terms):
            yield figure.start, figure.end


def _stretches(marked: bytearray) -> Iterator[Span]:
    start = marked.find(1)
    while start >= 0:
        end = marked.find(0, start)
        end = len(marked) if end < 0 else end
        yield start, end
        start = marked.find(1, end)
