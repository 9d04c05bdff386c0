"""How strange a question's words are to the documents: read off how many chunks hold them, and off nothing else."""

import math
from collections.abc import Mapping

import pytest

from rag.retrieval.strangeness import HOME, LEAST, TermRarity, strangeness
from rag.text.frequent_pairs import FREQUENT
from rag.text.tokenizer import ONLY_CJK, idle_places, normalise, terms

MANY = 20_000
LEAVE = dict.fromkeys(terms("年假 报销 发票 期限 vpn reimburse invoice"), 400)


def among(chunks: int, holding: Mapping[str, int]) -> TermRarity:
    """Of so many chunks, each of these terms in so many, all others in none."""

    def idf(term: str) -> float:
        frequency = holding.get(term, 0)
        return math.log1p((chunks - frequency + 0.5) / (frequency + 0.5))

    return TermRarity(chunks, idf, idf)


@pytest.mark.parametrize("question", ["年假报销的期限", "发票怎么报销", "How do I reimburse an invoice?", "VPN"])
def test_what_the_documents_speak_of_is_not_strange(question: str) -> None:
    assert strangeness(question, among(MANY, LEAVE)) == 0.0


@pytest.mark.parametrize("question", ["瘰鳞蛇经常出没于沼泽", "恐龙灭绝", "Who wrote Hamlet?"])
def test_what_no_document_speaks_of_is_as_strange_as_can_be(question: str) -> None:
    assert strangeness(question, among(MANY, LEAVE)) == pytest.approx(HOME - LEAST)


def test_a_common_pair_has_to_be_in_more_chunks_than_a_rare_one() -> None:
    rarity = among(MANY, {"公司": 100, "报销": 100})
    assert strangeness("公司", rarity) > strangeness("报销", rarity) == 0.0


def test_a_term_that_stands_in_ever_more_chunks_is_ever_less_strange() -> None:
    found = [strangeness("公司", among(MANY, {"公司": count})) for count in (0, 120, 180, 240, 400)]
    assert found == sorted(found, reverse=True) and found[0] > found[2] > found[-1] == 0.0


def test_among_few_chunks_an_absent_word_proves_little() -> None:
    found = [strangeness("恐龙灭绝", among(chunks, {})) for chunks in (10, 100, 1000, 100_000)]
    assert found == sorted(found) and found[0] < 0.25 and found[-1] == pytest.approx(HOME - LEAST)


def test_another_word_for_the_same_thing_makes_a_question_familiar() -> None:
    wages = dict.fromkeys(terms("工资"), 400)
    assert strangeness("发钱", among(MANY, wages)) == 0.0
    assert strangeness("发钱", among(MANY, {})) == pytest.approx(HOME - LEAST)
    assert strangeness("salary", among(MANY, wages)) == 0.0


def test_question_words_are_neither_strange_nor_familiar() -> None:
    rarity = among(MANY, LEAVE)
    assert strangeness("怎么办", rarity) == strangeness("???", rarity) == strangeness("", rarity) == 0.0
    assert strangeness("请问恐龙灭绝是怎么回事", rarity) == strangeness("恐龙灭绝 回事", rarity)


def test_a_lone_character_is_counted_as_a_character() -> None:
    seen: list[str] = []

    def character_idf(character: str) -> float:
        seen.append(character)
        return 0.5

    assert strangeness("假", TermRarity(MANY, lambda term: 99.0, character_idf)) == 0.0
    assert "假" in seen


def test_the_frequent_pairs_are_pairs_as_they_are_searched() -> None:
    assert len(FREQUENT) == 2000
    for pair in FREQUENT:
        assert len(pair) == 2 and ONLY_CJK.fullmatch(pair) and normalise(pair) == pair
        assert not idle_places(pair)
