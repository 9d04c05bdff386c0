"""The words of the weekly card, in Chinese and in English."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DigestTexts:
    """One language's wording."""

    title: str
    figures: str
    missing: str
    disliked: str
    best: str


ZH = DigestTexts(
    title="📊 本周问答小结",
    figures="**{people}** 人问了 **{asked}** 个问题，**{unanswered}** 个资料里没有，**{failed}** 个出错。\n"
    "👍 {up} · 👎 {down} · 首字 p95 {first}",
    missing="🔎 资料里缺的",
    disliked="👎 最多的问题",
    best="👍 最有用的资料",
)
EN = DigestTexts(
    title="📊 This week's questions",
    figures="**{people}** people asked **{asked}** questions; **{unanswered}** are not in the documents, **{failed}** "
    "failed.\n👍 {up} · 👎 {down} · first words p95 {first}",
    missing="🔎 Missing from the documents",
    disliked="👎 Most disliked",
    best="👍 Most helpful documents",
)


def digest_texts(language: str) -> DigestTexts:
    """The wording of a language; a chat has no question to follow, so `auto` is Chinese."""
    return EN if language == "en" else ZH
