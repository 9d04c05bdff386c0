"""Text to terms: Chinese bigrams, words, identifiers."""

import pytest

from rag.text.tokenizer import characters, normalise, question_terms, terms


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
    assert terms("在OA提交3天") == ["在", "oa", "提交", "3", "天", "3天"]


def test_characters_are_the_cjk_ones() -> None:
    assert characters("年假 OA かな") == {"年", "假", "か", "な"}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("C++", "c++"),
        ("Ｃ＃ 与 VB", "c#"),
        ("C♯", "c#"),
        ("用C++的", "c++"),
        ("**C++**", "c++"),
        ("C++17/C++20", "c++17"),
        ("C++17/C++20", "c++"),
        ("C/C++", "c++"),
        ("C++/C#", "c#"),
        ("Objective-C++", "objective-c++"),
        (".NET", ".net"),
        ("C#/.NET", ".net"),
        ("`.env`", ".env"),
        ("*.xlsx", "*.xlsx"),
        ("$HOME", "$home"),
        ("@channel", "@channel"),
        ("#标签", "#标"),
        ("加 --force", "--force"),
        ("参数-v", "-v"),
        ("A/B", "a/b"),
        ("R&D", "r&d"),
        ("A+", "a+"),
        ("±5", "±5"),
        ("Wi‑Fi", "wi-fi"),
        ("/etc/hosts", "/etc/hosts"),
    ],
)
def test_a_name_is_a_term_with_its_signs(text: str, whole: str) -> None:
    assert whole in terms(text)


@pytest.mark.parametrize("text", ["C++", "C#", "Objective-C", "-C"])
def test_the_letter_of_a_name_is_not_that_letter(text: str) -> None:
    assert "c" not in terms(text)
    assert question_terms(text).get("c", 0.0) <= 0.3


@pytest.mark.parametrize("text", ["# 标题", "- 苹果", "1. 第", "a - b", "x = y", "end.", "(a)", "**bold**", "wait…"])
def test_signs_that_stand_apart_or_mark_text_are_no_terms(text: str) -> None:
    assert all(term.isalnum() for term in terms(text))


@pytest.mark.parametrize(
    "text", ["v2.3.1", "V2.3.1", "v.2.3.1", "版本2.3.1", "版本 2.3.1", "version 2.3.1", "app-2.3.1.tar.gz"]
)
def test_a_version_is_found_by_its_number(text: str) -> None:
    assert "2.3.1" in terms(text)


@pytest.mark.parametrize("text", ["2.3.10", "2.3", "2.31", "231", "12.3.1", "2.3.1-rc1", "2.3.1.4"])
def test_another_version_is_not(text: str) -> None:
    assert "2.3.1" not in terms(text)


def test_ranges_and_decimals_are_not_run_together() -> None:
    assert "35" not in terms("3-5") and "53" not in terms("5.3") and "1000" not in terms("10:00")
    assert "4008208820" in terms("400-820-8820")


def test_the_spelling_of_a_figure_weighs_less_than_the_figure() -> None:
    weights = question_terms("三十五个空格")
    assert weights["35"] == weights["35空格"] == 1.0
    assert weights["三十"] == weights["十五"] == 0.25 and weights["五个"] < 0.25
    assert "一" not in question_terms("一个办法") and "1个" not in question_terms("一个办法")
