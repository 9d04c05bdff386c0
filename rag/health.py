"""What is loaded and what is not, for health pages and the doctor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the library. `detail` is one English sentence, with the fix when the part is not ok."""

    ok: bool
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """The parts a question needs. The library answers when index and model are ok; `rerank` is None without one."""

    index: Part
    embedding: Part
    model: Part
    rerank: Part | None = None
