"""Text to terms: Chinese bigrams, words, identifiers."""

import pytest

from rag.terms import characters, normalise, question_terms, terms


def test_chinese_runs_become_bigrams() -> None:
    assert terms("年假申请") == ["年假", "假申", "申请"]


def test_a_lone_character_is_a_term() -> None:
    assert terms("茶 a") == ["茶", "a"]


def test_identifiers_are_kept_whole_and_in_parts() -> None:
    assert terms("application-dev.yaml") == [
        "application-dev.yaml",
        "applicationdevyaml",
        "applic",
        "dev",
        "yaml",
    ]
    assert terms("ERR_1042") == ["err_1042", "err1042", "err", "1042"]


def test_full_width_and_case_do_not_matter() -> None:
    assert terms("ＶＰＮ１") == terms("vpn1") == ["vpn1"]
    assert normalise("ＯＡ（Ｘ）") == "oa(x)"


def test_a_joint_may_be_left_out() -> None:
    assert "wifi" in terms("Wi-Fi")


@pytest.mark.parametrize(
    ("one", "other"),
    [("expenses", "expense"), ("authenticate", "authentication"), ("policies", "policy"), ("releasing", "released")],
)
def test_forms_of_an_english_word_meet(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_short_words_and_double_s_stay() -> None:
    assert terms("gas class sms rate") == ["gas", "class", "sms", "rate"]


def test_a_question_keeps_what_it_is_about() -> None:
    assert question_terms("什么是年假？") == {"年假": 1.0, "是年": 0.5}
    assert question_terms("How do I reset the VPN?") == {"reset": 1.0, "vpn": 1.0}


def test_a_question_of_fillers_keeps_them() -> None:
    assert question_terms("怎么") == {"怎么": 1.0}
    assert question_terms("How?") == {"how": 1.0}


def test_chinese_next_to_words_is_cut_apart() -> None:
    assert terms("在OA提交3天") == ["在", "oa", "提交", "3", "天"]


def test_characters_are_the_cjk_ones() -> None:
    assert characters("年假 OA かな") == {"年", "假", "か", "な"}
