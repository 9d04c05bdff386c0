"""Which rows are names and which are values: titles, units, headers of several rows, forms, several tables."""

from collections.abc import Sequence
from typing import Any

import pytest
from openpyxl.styles import Font

from rag.ingestion.readers.sheets import read_xlsx
from tests.support.spreadsheets import Rows, on_first, xlsx

DAY = "2026-03-05"


def lines(rows: Rows, *merges: str, bold: Sequence[str] = ()) -> list[str]:
    def change(sheet: Any) -> None:
        for span in merges:
            sheet.merge_cells(span)
        for cell in bold:
            sheet[cell].font = Font(bold=True)

    return read_xlsx(xlsx(rows, change=on_first(change))).text.strip().split("\n")[2:]


def test_titles_and_units_stand_before_the_table() -> None:
    rows = [
        ("2026年预算", None, None),
        ("编制单位：甲公司", None, "单位：万元"),
        ("部门", "收入", "支出"),
        ("研发", 120.5, 80),
        ("合计", 120.5, 80),
    ]
    assert lines(rows, "A1:C1") == [
        "2026年预算",
        "编制单位：甲公司",
        "单位：万元",
        "- 部门：研发；收入：120.5；支出：80",
        "- 部门：合计；收入：120.5；支出：80",
    ]


def test_a_header_may_begin_below_empty_rows_and_columns() -> None:
    rows = [(), (), (None, "城市", "上限"), (None, "北京", "600元")]
    assert lines(rows) == ["- 城市：北京；上限：600元"]


def test_a_merged_header_of_two_rows_is_joined() -> None:
    rows = [
        ("地区", "职级", "住宿上限", None),
        (None, None, "旺季", "淡季"),
        ("华东", "经理", 680, 560),
        (None, "员工", 450, 380),
    ]
    assert lines(rows, "A1:A2", "B1:B2", "C1:D1", "A3:A4") == [
        "- 地区：华东；职级：经理；住宿上限·旺季：680；住宿上限·淡季：560",
        "- 地区：华东；职级：员工；住宿上限·旺季：450；住宿上限·淡季：380",
    ]


def test_a_merged_header_of_three_rows_is_joined() -> None:
    rows = [
        ("部门", "收入", None, None, None),
        (None, "上半年", None, "下半年", None),
        (None, "计划", "实际", "计划", "实际"),
        ("研发", "多", "少", "多", "少"),
    ]
    assert lines(rows, "A1:A3", "B1:E1", "B2:C2", "D2:E2") == [
        "- 部门：研发；收入·上半年·计划：多；收入·上半年·实际：少；收入·下半年·计划：多；收入·下半年·实际：少"
    ]


def test_a_header_of_two_rows_that_nobody_merged_is_joined() -> None:
    rows = [("部门", "2025", None, "2026", None), (None, "收入", "成本", "收入", "成本"), ("研发", 1, 2, 3, 4)]
    assert lines(rows) == ["- 部门：研发；2025·收入：1；2025·成本：2；2026·收入：3；2026·成本：4"]


@pytest.mark.parametrize("years", [(2025, 2026), ("2025", "2026"), ("2025年", "2026年")])
def test_groups_without_a_name_before_them_are_a_header(years: Sequence[object]) -> None:
    rows = [(None, years[0], None, years[1], None), ("部门", "收入", "成本", "收入", "成本"), ("研发", 1, 2, 3, 4)]
    first, second = years
    expected = f"- 部门：研发；{first}·收入：1；{first}·成本：2；{second}·收入：3；{second}·成本：4"
    assert lines(rows) == [expected]


def test_a_header_in_english_is_joined_by_a_stroke() -> None:
    rows = [("Team", "Sales", None), (None, "Q1", "Q2"), ("A", 1, 2)]
    assert lines(rows, "A1:A2", "B1:C1") == ["- Team: A; Sales / Q1: 1; Sales / Q2: 2"]


def test_a_name_over_two_columns_without_parts_is_no_header_of_two_rows() -> None:
    rows = [("姓名", "联系方式", None), ("王芳", "微信", "电话"), ("李雷", "邮箱", "微信")]
    assert lines(rows, "B1:C1") == [
        "- 姓名：王芳；联系方式：微信；联系方式：电话",
        "- 姓名：李雷；联系方式：邮箱；联系方式：微信",
    ]


@pytest.mark.parametrize(
    "years", [(2024, 2025, 2026), ("2024年", "2025年", "2026年"), ("1月", "2月", "3月"), ("Q1", "Q2", "Q3")]
)
def test_years_and_months_are_names(years: Sequence[object]) -> None:
    assert lines([("部门", *years), ("研发", 1, 2, 3)]) == [
        f"- 部门：研发；{years[0]}：1；{years[1]}：2；{years[2]}：3"
    ]


def test_tables_below_each_other_have_their_own_headers() -> None:
    rows = [
        ("城市", "负责人"),
        ("北京", "王芳"),
        ("上海", "李雷"),
        (),
        ("产品", "价格"),
        ("A", 5),
        (),
        ("级", "色"),
        ("甲", "红"),
        ("乙", "绿"),
    ]
    assert lines(rows) == [
        "- 城市：北京；负责人：王芳",
        "- 城市：上海；负责人：李雷",
        "- 产品：A；价格：5",
        "- 级：甲；色：红",
        "- 级：乙；色：绿",
    ]


def test_a_line_with_a_header_below_it_begins_a_table() -> None:
    rows = [
        ("差旅", None),
        ("城市", "上限"),
        ("北京", 600),
        ("加班", None),
        ("日子", "补贴"),
        ("周末", 45),
        ("节日", 90),
    ]
    assert lines(rows, "A1:B1", "A4:B4") == [
        "差旅",
        "- 城市：北京；上限：600",
        "加班",
        "- 日子：周末；补贴：45",
        "- 日子：节日；补贴：90",
    ]


def test_an_empty_row_within_a_table_does_not_end_it() -> None:
    rows = [
        ("姓名", "部门", "电话"),
        (),
        ("王芳", "研发", "8001"),
        (),
        ("李雷", "研发", "8002"),
        ("韩梅", "财务", "8003"),
    ]
    assert [line[:6] for line in lines(rows)] == ["- 姓名：王", "- 姓名：李", "- 姓名：韩"]


def test_a_header_that_is_repeated_is_no_row() -> None:
    rows = [
        ("姓名", "电话"),
        ("王芳", "8001"),
        ("姓名", "电话"),
        ("李雷", "8002"),
        (),
        ("姓名", "电话"),
        ("韩梅", "8003"),
    ]
    assert [line[:6] for line in lines(rows)] == ["- 姓名：王", "- 姓名：李", "- 姓名：韩"]


def test_tables_beside_each_other_are_read_one_after_the_other() -> None:
    rows = [
        ("表一", None, None, "表二", None),
        ("城市", "负责人", None, "产品", "价格"),
        ("北京", "王芳", None, "甲", 5),
        ("上海", "李雷", None, "乙", 6),
        (None, None, None, "丙", 7),
    ]
    assert lines(rows) == [
        "表一",
        "- 城市：北京；负责人：王芳",
        "- 城市：上海；负责人：李雷",
        "表二",
        "- 产品：甲；价格：5",
        "- 产品：乙；价格：6",
        "- 产品：丙；价格：7",
    ]


def test_a_column_of_its_own_beside_an_empty_one_stays_in_its_table() -> None:
    rows = [("姓名", None, "电话"), ("王芳", None, "8001"), ("李雷", None, "8002")]
    assert lines(rows) == ["- 姓名：王芳；电话：8001", "- 姓名：李雷；电话：8002"]


@pytest.mark.parametrize(
    "rows",
    [
        [("公司名称", "某某科技"), ("成立日期", DAY), ("电话", "010-12345678"), ("地址", "北京市")],
        [("负责人", "王工"), ("地点", "三楼会议室"), ("主题", "季度总结")],
        [("甲：", "王工"), ("乙：", "三楼"), ("丙：", "x")],
        [("注册资本", 500), ("员工", 42)],
    ],
)
def test_pairs_are_read_as_pairs(rows: Rows) -> None:
    assert lines(rows) == [f"- {str(key).rstrip('：')}：{value}" for key, value in rows]


def test_pairs_below_a_table_are_no_rows_of_it() -> None:
    rows = [("城市", "负责人"), ("北京", "王芳"), ("上海", "李雷"), (), ("电话", "8001"), ("地址", "北京")]
    assert lines(rows)[2:] == ["- 电话：8001", "- 地址：北京"]


def test_bold_names_make_pairs_or_a_header() -> None:
    rows = [("甲", "红"), ("乙", "绿"), ("丙", "蓝")]
    assert lines(rows, bold=("A1", "A2", "A3")) == ["- 甲：红", "- 乙：绿", "- 丙：蓝"]
    assert lines(rows, bold=("A1", "B1")) == ["- 甲：乙；红：绿", "- 甲：丙；红：蓝"]


def test_a_form_of_four_columns_is_read_as_pairs() -> None:
    rows = [("姓名", "王芳", "部门", "研发"), ("电话", "8001", "邮箱", "a@b.c"), ("入职日期", DAY, "职级", "P6")]
    read = lines(rows)
    assert read == [
        "- 姓名：王芳",
        "- 部门：研发",
        "- 电话：8001",
        "- 邮箱：a@b.c",
        f"- 入职日期：{DAY}",
        "- 职级：P6",
    ]


def test_a_form_may_stand_above_a_table() -> None:
    rows = [
        ("登记表", None, None, None),
        ("姓名", "王芳", "性别", "女"),
        ("地址", "上海市某路", None, None),
        ("工作经历", None, None, None),
        ("起止时间", "单位", "职务", "证明人"),
        ("2015-2018", "甲公司", "工程师", "张三"),
    ]
    assert lines(rows, "A1:D1", "B3:D3", "A4:D4") == [
        "登记表",
        "- 姓名：王芳",
        "- 性别：女",
        "- 地址：上海市某路",
        "工作经历",
        "- 起止时间：2015-2018；单位：甲公司；职务：工程师；证明人：张三",
    ]
    rows = [("项目名称", "星河"), ("负责人", "王工"), ("阶段", "开始", "结束"), ("设计", "1月", "2月")]
    assert lines(rows) == ["- 项目名称：星河", "- 负责人：王工", "- 阶段：设计；开始：1月；结束：2月"]


def test_who_made_a_table_is_a_line_below_it() -> None:
    rows = [("区域", "店", "额"), ("上海", "一店", 5), ("制表人：王芳", None, "审核：李雷")]
    assert lines(rows) == ["- 区域：上海；店：一店；额：5", "制表人：王芳", "审核：李雷"]


def test_a_table_on_its_side_is_turned() -> None:
    rows = [("姓名", "王芳", "李雷"), ("部门", "研发", "财务"), ("电话", 8001, 8002), ("入职日期", DAY, "2021-01-02")]
    assert lines(rows) == [
        f"- 姓名：王芳；部门：研发；电话：8001；入职日期：{DAY}",
        "- 姓名：李雷；部门：财务；电话：8002；入职日期：2021-01-02",
    ]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ([("科目", "金额"), ("差旅费", 100), ("住宿费", 200)], "- 科目：差旅费；金额：100"),
        ([("职务", "人数"), ("经理", "3人"), ("业务员", "5人")], "- 职务：经理；人数：3人"),
        (
            [("问题", "答案"), ("怎么请假？", "提交申请"), ("怎么报销？", "交给财务")],
            "- 问题：怎么请假？；答案：提交申请",
        ),
        ([("怎么请假？", "提交申请"), ("怎么报销？", "交给财务")], "- 怎么请假？：提交申请"),
        (
            [("级别", "1-5年", "5-10年"), ("经理", "5天", "10天"), ("员工", "3天", "5天")],
            "- 级别：经理；1-5年：5天；5-10年：10天",
        ),
        ([("考勤表", None, None, "2026年3月"), ("姓名", "部门", "出勤", "迟到"), ("王", "研", 20, 1)], "考勤表"),
        ([("城市", "上限", None, "仅供参考"), ("北京", 600), ("上海", 500)], "仅供参考"),
        ([("姓名", 1, 2, 3), ("王芳", "√", "×", "√")], "- 姓名：王芳；1：√；2：×；3：√"),
    ],
)
def test_what_stands_first_is_told_by_what_follows(rows: Rows, first: str) -> None:
    assert lines(rows)[0] == first


def test_rows_without_a_header_keep_their_values_together() -> None:
    assert lines([("王芳", 8001, "研发"), ("李雷", 8002, "财务")]) == ["- 王芳；8001；研发", "- 李雷；8002；财务"]


def test_remarks_and_headings_within_a_table_are_lines() -> None:
    rows = [("品名", "数量"), ("一、办公用品", None), ("笔", 5), ("食品", None), ("水", 6), ("注：均为含税价", None)]
    assert lines(rows, "A4:B4") == [
        "一、办公用品",
        "- 品名：笔；数量：5",
        "食品",
        "- 品名：水；数量：6",
        "注：均为含税价",
    ]


def test_a_row_that_is_merged_over_two_comes_once() -> None:
    rows = [("品名", "数量"), ("笔", 5), (None, None), ("纸", 6)]
    assert lines(rows, "A2:A3", "B2:B3") == ["- 品名：笔；数量：5", "- 品名：纸；数量：6"]


def test_one_column_is_lines_or_a_list() -> None:
    assert lines([("会议纪要",), ("第一条 内容",), ("第二条",)]) == ["会议纪要", "第一条 内容", "第二条"]
    assert lines([("电话",), ("8001",), ("8002",)]) == ["- 电话：8001", "- 电话：8002"]


def test_a_header_alone_is_not_lost() -> None:
    assert lines([("姓名", "电话")]) == ["- 姓名；电话"]
