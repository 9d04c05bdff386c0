"""Values of bitables as people read them."""

from typing import Any

import pytest

from feishu.documents.bitable_values import Field, Sight, field_of, shown, zone_of

SIGHT = Sight(zone_of("Asia/Beijing"), lambda table, record: {"recA": "甲项目", "recB": "乙项目"}.get(record, ""))


def column(kind: int, ui: str = "", **looks: Any) -> Field:
    return Field("列", kind, ui, looks)


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        ([{"type": "text", "text": "更新"}, {"type": "mention", "text": "@张三"}], column(1), "更新@张三"),
        ([{"type": "url", "text": "a@x.cn", "link": "mailto:a@x.cn"}], column(1, "Email"), "a@x.cn"),
        ("一段\n文字", column(1), "一段 文字"),
        (2323.2323, column(2, "Number", formatter="0.00"), "2323.23"),
        (1234567, column(2, "Number", formatter="1,000"), "1,234,567"),
        (0.125, column(2, "Number", formatter="0.00%"), "12.50%"),
        (2.675, column(2, "Number", formatter="0.00"), "2.68"),
        (99, column(2, "Currency", formatter="0.00", currency_code="USD"), "$99.00"),
        (0.66, column(2, "Progress", formatter="0%"), "66%"),
        (3, column(2, "Rating", formatter="0"), "3"),
        (5, column(2), "5"),
        (0.1 + 0.2, column(2), "0.30000000000000004"),
        ("进行中", column(3), "进行中"),
        (["一", "二"], column(4), "一、二"),
        (1772690400000, column(5, date_formatter="yyyy-MM-dd HH:mm"), "2026-03-05 14:00"),
        (1772690400000, column(1001), "2026/03/05"),
        (True, column(7), "是"),
        ([{"name": "张三"}, {"en_name": "Li Si", "name": ""}], column(11), "张三、Li Si"),
        ("13100006666", column(13), "13100006666"),
        ({"text": "官网", "link": "https://x.cn"}, column(15), "官网（https://x.cn）"),
        ([{"name": "a.pdf", "file_token": "t"}, {"name": "b.png"}], column(17), "a.pdf、b.png"),
        ({"link_record_ids": ["recA", "recB"]}, column(18, table_id="tbl"), "甲项目、乙项目"),
        ({"link_record_ids": ["recA", "recX"]}, column(21, table_id="tbl"), "甲项目、1 条记录"),
        ([{"record_ids": ["recA"], "text": "甲"}], column(18), "甲项目"),
        ({"type": 1, "value": [{"type": "text", "text": "✅ 正常"}]}, column(20), "✅ 正常"),
        ({"type": 2, "value": [0.5]}, column(20, formatter="0.0%"), "50.0%"),
        (
            {"type": 2, "value": [10]},
            column(20, type={"ui_property": {"formatter": "0.00"}, "ui_type": "Number"}),
            "10.00",
        ),
        ({"type": 5, "value": [1772690400000]}, column(19, formatter="yyyy/MM/dd HH:mm"), "2026/03/05 14:00"),
        ({"type": 11, "value": [{"name": "张三"}]}, column(19), "张三"),
        ({"full_address": "天安门广场，北京市", "name": "天安门"}, column(22), "天安门广场，北京市"),
        ([{"id": "oc_1", "name": "产品群"}], column(23), "产品群"),
        ([{"name": "李四", "id": "ou_1"}], column(1003), "李四"),
        ("17", column(1005), "17"),
        (None, column(1), ""),
        ([], column(11), ""),
        ({"of": {"a": "later kind"}}, column(3001), ""),
        (1e400, column(2, formatter="0.00"), ""),
        (10**400, column(5), ""),
    ],
)
def test_a_value_is_shown_as_people_read_it(value: object, field: Field, text: str) -> None:
    assert shown(value, field, SIGHT) == text


def test_columns_in_english_have_english_words() -> None:
    assert shown(False, Field("Done", 7), SIGHT) == "no"
    assert shown({"link_record_ids": ["recX", "recY"]}, Field("Items", 18), SIGHT) == "2 records"


def test_odd_fields_are_texts() -> None:
    assert field_of({"field_name": "a", "type": "5", "property": []}) == Field("a", 1)
    assert zone_of("Mars/Olympus") == zone_of("")
