"""What a cell says: amounts with units, days, and what is neither."""

from decimal import Decimal

import pytest

from rag.tables.cells import Amount, Day, amount_of, bare_name, day_of, named_unit, unit_of
from rag.tables.table import is_total


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.50", Amount(Decimal("1234.50"))),
        ("¥1,200", Amount(Decimal(1200), "元")),
        ("3.5万元", Amount(Decimal("3.5"), "元", 4)),
        ("12.5%", Amount(Decimal("12.5"), "%")),
        ("(300)", Amount(Decimal(-300))),
        ("-40", Amount(Decimal(-40))),
        ("$7,360", Amount(Decimal(7360), "$")),
        ("１２ 天", Amount(Decimal(12), "d")),
        ("0", Amount(Decimal(0))),
        ("0.5", Amount(Decimal("0.5"))),
    ],
)
def test_an_amount_is_read_with_its_unit(text: str, amount: Amount) -> None:
    assert amount_of(text) == amount


@pytest.mark.parametrize(
    "text", ["000482", "10-20", "约30", "待核", "", "2025-03-05", "A级", "1.2.3", "(300", "9" * 40]
)
def test_what_is_no_single_number_is_none(text: str) -> None:
    assert amount_of(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026年3月5日", Day(2026, 3, 5)),
        ("2026-03-05", Day(2026, 3, 5)),
        ("2026/3/5 14:30", Day(2026, 3, 5)),
        ("20260305", Day(2026, 3, 5)),
        ("Mar 5, 2026", Day(2026, 3, 5)),
        ("5 March 2026", Day(2026, 3, 5)),
        ("2026年3月", Day(2026, 3)),
        ("2026", Day(2026)),
    ],
)
def test_days_months_and_years_are_read(text: str, day: Day) -> None:
    assert day_of(text) == day


@pytest.mark.parametrize("text", ["2026-13-05", "3/5", "昨天", "12", "2026-03-45"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert day_of(text) is None


def test_a_columns_unit_stands_in_brackets() -> None:
    assert (bare_name("金额（万元）"), named_unit("金额（万元）")) == ("金额", "万元")
    assert (bare_name("Fee (EUR)"), unit_of(named_unit("Fee (EUR)"))) == ("fee", ("€", 0))
    assert unit_of("万元") == ("元", 4)


@pytest.mark.parametrize("first", ["合计", "小计：", "华东区小计", "Total", "Grand total", "subtotal", "合计（元）"])
def test_rows_of_totals_are_told_from_others(first: str) -> None:
    assert is_total((first, "", "12"))


@pytest.mark.parametrize("first", ["Total Energies", "合计科技有限公司", "总部", "平安"])
def test_names_that_begin_like_a_total_are_no_totals(first: str) -> None:
    assert not is_total((first, "深圳", "12"))
