"""The value that a person sees: number formats as Excel and WPS show them."""

import pytest

from rag.ingestion.readers.chinese_numerals import in_words
from rag.ingestion.readers.number_formats import MOST_CODE_CHARS, NumberFormat, exact, number_format

ACCOUNTING = '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ '


def shown(code: str, raw: str, *, is_1904: bool = False) -> str:
    value = exact(raw)
    assert value is not None
    return number_format(code).show(value, is_1904=is_1904)


@pytest.mark.parametrize(
    ("code", "raw", "seen"),
    [
        ("0%", "1.5", "150%"),
        ("0.0%", "0.125", "12.5%"),
        ("0.00%;-0.00%", "-0.05", "-5.00%"),
        ("0.00", "3", "3.00"),
        ("0.00", "2.675", "2.68"),
        ("0", "-0.2", "0"),
        (".00", "12.5", "12.50"),
        ("#.##", "5", "5"),
        ("0.###", "1.5", "1.5"),
        ("000000", "482", "000482"),
        ("000-0000-0000", "13800001111", "138-0000-1111"),
        ("@", "5", "5"),
        ("G/通用格式", "5", "5"),
        ('General"元"', "1.5", "1.5元"),
        ('0"天"', "15", "15天"),
        ("0天", "15", "15天"),
        ('0.00"万元"', "12.5", "12.50万元"),
        (";;;", "5", ""),
        ('"合格";"不合格"', "1", "合格"),
    ],
)
def test_digits_stand_where_the_format_has_places(code: str, raw: str, seen: str) -> None:
    assert shown(code, raw) == seen


@pytest.mark.parametrize(
    ("code", "raw", "seen"),
    [
        ("#,##0", "1234567", "1,234,567"),
        ("¥#,##0.00", "30000", "¥30,000.00"),
        ("[$¥-804]#,##0.00", "5", "¥5.00"),
        ("[$€-2] #,##0", "1234", "€ 1,234"),
        ("#,##0.00元", "1234.5", "1,234.50元"),
        (ACCOUNTING, "-5.5", "¥-5.50"),
        (ACCOUNTING, "0", "¥-"),
        ("#,##0.00_);(#,##0.00)", "-1234.5", "(1,234.50)"),
        ("#,##0;[Red]#,##0", "-1234", "-1,234"),
        ("#,##0;[红色]-#,##0", "-1234", "-1,234"),
        ('0.0,"千"', "12345", "12.3千"),
        ('0!.0,"万"', "123456", "12.3万"),
        ("#,##0.00,,", "1234567890", "1,234.57"),
        ('[>=10000]0.0,"千";0', "12345", "12.3千"),
        ('[>=10000]0.0,"千";0', "123", "123"),
        ('[<0]"亏"0;0', "-3", "亏3"),
    ],
)
def test_amounts_keep_their_signs_groups_and_units(code: str, raw: str, seen: str) -> None:
    assert shown(code, raw) == seen


@pytest.mark.parametrize(
    ("code", "raw", "seen"),
    [
        ("0.00E+00", "1234567", "1.23E+06"),
        ("0.00E+00", "0.00012", "1.20E-04"),
        ("0.0E+0", "9.99", "1.0E+1"),
        ("##0.0E+0", "1234567", "1.2E+6"),
        ("# ?/?", "1.5", "1 1/2"),
        ("# ??/??", "0.25", "1/4"),
        ("# ?/8", "2.375", "2 3/8"),
        ("?/?", "1.5", "3/2"),
        ("[DBNum2][$-804]General", "1205", "壹仟贰佰零伍"),
        ("[DBNum1][$-804]0", "105", "一〇五"),
    ],
)
def test_exponents_fractions_and_chinese_numerals(code: str, raw: str, seen: str) -> None:
    assert shown(code, raw) == seen


@pytest.mark.parametrize(
    ("code", "raw", "seen"),
    [
        ('yyyy"年"m"月"d"日"', "46086", "2026年3月5日"),
        ("d/m/yyyy", "46086", "5/3/2026"),
        ("yyyy.mm.dd", "46086", "2026.03.05"),
        ("[$-409]mmm d, yyyy", "46086", "Mar 5, 2026"),
        ("aaaa", "46086", "星期四"),
        ("[$-804]ddd", "46086", "周四"),
        ("dddd", "46086", "Thursday"),
        ('[DBNum1][$-804]yyyy"年"m"月"d"日"', "46086", "二〇二六年三月五日"),
        ("m/d/yy h:mm", "46086.5", "3/5/26 12:00"),
        ("h:mm", "0.3958333333", "9:30"),
        ("h:mm AM/PM", "0.75", "6:00 PM"),
        ('上午/下午h"时"mm"分"', "0.75", "下午6时00分"),
        ("mm:ss.0", "0.0001", "00:08.6"),
        ("[h]:mm", "1.5", "36:00"),
        ("[mm]:ss", "0.0625", "90:00"),
        ("yyyy-mm-dd", "1", "1900-01-01"),
        ("yyyy-mm-dd", "61", "1900-03-01"),
        ("yyyy-mm-dd h:mm:ss", "46086", "2026-03-05"),
        ("yyyy-mm-dd h:mm:ss", "46086.3958333333", "2026-03-05 09:30"),
        ("yyyy-mm-dd h:mm:ss", "46086.00001157407", "2026-03-05 0:00:01"),
        ("yyyy-mm-dd", "-1", "-1"),
        ("yyyy-mm-dd", "99999999", "99999999"),
    ],
)
def test_days_and_times_have_the_form_of_their_format(code: str, raw: str, seen: str) -> None:
    assert shown(code, raw) == seen


def test_days_since_1904_are_four_years_later() -> None:
    assert shown("yyyy-mm-dd", "44624", is_1904=True) == "2026-03-05"


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("0.30000000000000004", "0.3"),
        ("1234567890123.45", "1234567890123.45"),
        ("1.23E+15", "1230000000000000"),
        ("123456789012345678", "123456789012345678"),
        ("0.3333333333333333", "0.333333333"),
        ("0.00001234", "0.00001234"),
        ("-0.5", "-0.5"),
        ("0", "0"),
        ("-0", "0"),
        ("100", "100"),
        ("1E+300", "1E+300"),
    ],
)
def test_without_a_format_amounts_are_whole_and_without_noise(raw: str, seen: str) -> None:
    assert shown("General", raw) == seen


@pytest.mark.parametrize("raw", ["", "x", "nan", "inf", "1_000", "１２", "9" * 500, "1e99999999999999999999"])
def test_what_is_no_number_is_none(raw: str) -> None:
    assert exact(raw) is None


@pytest.mark.parametrize(
    "code", ["%" * 255, "0" * 255, "0." + "0" * 250, "#,##0" + "," * 200, "/", "[", '"', "\\", "E+0", "?/?"]
)
@pytest.mark.parametrize("raw", ["1E+308", "-1E-300", "0", "1E+999999"])
def test_an_odd_format_costs_nothing(code: str, raw: str) -> None:
    assert len(shown(code, raw)) < 2000


def test_a_format_that_is_too_long_is_none() -> None:
    assert NumberFormat("0" * (MOST_CODE_CHARS + 1)).is_general


def test_a_format_may_say_something_of_texts() -> None:
    assert number_format('@"级"').show_text("三") == "三级"
    assert number_format('0;-0;0;"编号"@').show_text("7") == "编号7"
    assert number_format("0.00").show_text("文") == "文"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("10", "十"),
        ("110", "一百一十"),
        ("1001", "一千〇一"),
        ("20000300", "二千万〇三百"),
        ("100000000", "一亿"),
        ("0", "〇"),
    ],
)
def test_numbers_in_words(number: str, words: str) -> None:
    assert in_words(number, 1) == words
