"""Text to terms: Chinese bigrams, words, identifiers."""

from rag.terms import characters, normalise, terms


def test_chinese_runs_become_bigrams() -> None:
    assert terms("年假申请") == ["年假", "假申", "申请"]


def test_a_lone_character_is_a_term() -> None:
    assert terms("茶 a") == ["茶", "a"]


def test_identifiers_are_kept_whole_and_in_parts() -> None:
    assert terms("application-dev.yaml") == ["application-dev.yaml", "application", "dev", "yaml"]
    assert terms("ERR_1042") == ["err_1042", "err", "1042"]


def test_full_width_and_case_do_not_matter() -> None:
    assert terms("ＶＰＮ１") == terms("vpn1") == ["vpn1"]
    assert normalise("ＯＡ（Ｘ）") == "oa(x)"


def test_plural_and_singular_meet_and_short_words_stay() -> None:
    assert terms("expenses expense") == ["expense", "expense"]
    assert terms("gas class sms") == ["gas", "class", "sms"]


def test_chinese_next_to_words_is_cut_apart() -> None:
    assert terms("在OA提交3天") == ["在", "oa", "提交", "3", "天"]


def test_characters_are_the_cjk_ones() -> None:
    assert characters("年假 OA かな") == {"年", "假", "か", "な"}
