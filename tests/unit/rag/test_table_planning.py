"""Questions about a table: what is computed, and what is not understood whole and therefore left alone."""

from decimal import Decimal

import pytest

from rag.tables.cells import fold
from rag.tables.plan import Unclear
from rag.tables.planning import asks_for_all
from tests.support.tables import ORDERS, SUPPLIERS, computed, planned, table

LIST, SALES = table(SUPPLIERS, title="供应商名单"), table(ORDERS, title="Sales orders")


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("我们一共有多少家供应商？", 5),
        ("有几个供应商在深圳", 2),
        ("不在深圳的供应商有几家", 3),
        ("除了深圳以外的供应商有几家", 3),
        ("A级供应商有多少家", 2),
        ("注册资本超过500万的供应商有几家", 2),
        ("注册资本在300万到800万之间的供应商有几家", 3),
        ("上海和广州的供应商一共几家", 3),
        ("2025年开始合作的供应商有几家", 2),
        ("去年3月合作的供应商有几家", 1),
        ("供应商分布在几个城市", 3),
        ("供应商的注册资本总共多少", 2800),
        ("物流供应商的平均注册资本", 1000),
    ],
)
def test_counts_sums_and_averages_in_chinese(question: str, value: int) -> None:
    assert computed(question, LIST).value == Decimal(value)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("设备借用的押金一共多少元", 1500),
        ("借用登记里押金一共多少", 1500),
        ("设备借用登记有多少条", 3),
        ("林小满借了几台设备", 2),
        ("一共借出了几台设备", 2),
    ],
)
def test_a_title_is_read_whole_where_it_holds_names_of_columns(question: str, value: int) -> None:
    loans = [
        ("设备", "借用人", "状态", "押金"),
        ("投影仪", "林小满", "借出", "¥500.00"),
        ("录音笔", "周明", "已归还", "¥200.00"),
        ("数位板", "林小满", "借出", "¥800.00"),
    ]
    assert computed(question, table(loans, title="设备借用登记")).value == Decimal(value)


@pytest.mark.parametrize(("question", "value"), [("深圳城市供应商有几家", 2), ("深圳城市的供应商有几家", 2)])
def test_a_title_hides_no_value(question: str, value: int) -> None:
    assert computed(question, table(SUPPLIERS, title="深圳城市供应商名单")).value == Decimal(value)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("How many orders are there?", 4),
        ("how many orders came from the North region", 2),
        ("What's the total revenue?", 4580),
        ("total revenue in January 2025", 2520),
        ("average revenue per order", 1145),
        ("How many sofas did we sell?", 3),
        ("how many units of desks did we sell in total", 7),
        ("How many orders have a revenue over 1000?", 2),
        ("how many orders not in the North", 2),
    ],
)
def test_counts_sums_and_averages_in_english(question: str, value: int) -> None:
    assert computed(question, SALES).value == Decimal(value)


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("注册资本最高的供应商是哪家", "蓝海物流"),
        ("最早合作的供应商是哪家", "华远印务"),
        ("注册资本最低的供应商是哪家", "同创云科"),
        ("蓝海物流的等级是什么", "蓝海物流"),
    ],
)
def test_the_row_that_is_meant_is_found(question: str, row: str) -> None:
    result = computed(question, LIST)
    assert [LIST.rows[at][0] for at in result.rows] == [row]


def test_groups_are_compared_and_listed() -> None:
    most = computed(
        "哪个城市的供应商最多", table([*SUPPLIERS[:-1], ("飞达电子", "深圳", "IT", "A", "2020-01-01", "50")])
    )
    assert [(group.name, int(group.value)) for group in most.groups] == [("深圳", 3)]
    by_region = computed("revenue by region", SALES)
    assert {group.name: int(group.value) for group in by_region.groups} == {"North": 1740, "South": 1560, "West": 1280}
    first = computed("top 2 products by revenue", SALES)
    assert [group.name for group in first.groups] == ["Sofa", "Desk"]
    each = computed("深圳和上海的供应商分别有几家", LIST)
    assert {group.name: int(group.value) for group in each.groups} == {"深圳": 2, "上海": 2}


def test_what_has_no_number_is_counted_and_told() -> None:
    assert computed("供应商的注册资本总共多少", LIST).missing == 1
    assert computed("注册资本超过100万的供应商有几家", LIST).unread == 1


@pytest.mark.parametrize(
    "question",
    [
        "有几个供应商在成都",  # no such value
        "深圳的供应商比上海多几家",
        "深圳供应商占比多少",
        "深圳有几家公司",  # of what kind
        "供应商可以申请多少注册资本",
        "我有几个供应商",
        "注册资本超过3天的供应商有几家",
        "注册资本大于上海的供应商有几家",
        "供应商平均合作年份",
        "最好的供应商是哪家",
        "前3家供应商",
        "不是最高的供应商有几家",
        "每个月新增多少供应商",
        "深圳和物流的平均",
        "年假有几天",
        "合作超过3次的供应商有几家",
        "注册资本合计超过500万的供应商有几家",
        "每个城市注册资本超过500万的供应商有几家",
        "how many suppliers in Shenzhen",  # other words than the table's
    ],
)
def test_what_is_not_understood_whole_is_not_computed(question: str) -> None:
    assert isinstance(planned(question, LIST), Unclear)


@pytest.mark.parametrize(
    "question", ["average revenue per region", "How many orders did Anna place?", "which order is best", "revenue?"]
)
def test_several_meanings_are_not_guessed_between(question: str) -> None:
    assert isinstance(planned(question, SALES), Unclear)


def test_a_value_of_two_columns_needs_the_name_of_one() -> None:
    rows = [("客户", "注册地", "办公地"), ("甲", "深圳", "上海"), ("乙", "上海", "深圳"), ("丙", "深圳", "深圳")]
    both = table(rows, title="客户名单")
    assert isinstance(planned("深圳的客户有几个", both), Unclear)
    assert computed("办公地深圳的客户有几个", both).value == 2


def test_two_columns_of_numbers_are_not_added_up_as_one() -> None:
    rows = [("部门", "年度预算", "已使用金额"), ("研发部", "80", "40"), ("市场部", "20", "10"), ("财务部", "5", "1")]
    budgets = table(rows, title="部门预算")
    assert computed("年度预算一共多少", budgets).value == 105
    assert isinstance(planned("年度预算和已使用金额一共多少", budgets), Unclear)


def test_a_month_of_several_years_is_not_guessed() -> None:
    assert isinstance(planned("3月合作的供应商有几家", LIST), Unclear)
    assert computed("2019年3月合作的供应商有几家", LIST).value == 1


@pytest.mark.parametrize(
    "question", ["研发部平均工资是多少", "哪个城市的客户最多", "how many laptops in total", "top 3 reps"]
)
def test_questions_over_many_are_told_by_their_words(question: str) -> None:
    assert asks_for_all(fold(question))


@pytest.mark.parametrize(
    "question",
    [
        "年假有几天",
        "学校在哪一年最先通过验收",
        "一共可以请多少天婚假",
        "平均一周要值班几次",
        "how many days of leave do I get",
        "报销最多能报多少钱",
    ],
)
def test_what_one_may_do_is_no_question_over_many(question: str) -> None:
    assert not asks_for_all(fold(question))
