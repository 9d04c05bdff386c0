"""What a row of a sheet looks like: a line of its own, the names of columns, or values."""

import itertools
import re
from collections.abc import Iterable, Sequence

from rag.ingestion.readers.visible_cells import Row
from rag.ingestion.readers.worksheet import Cell

_MOST_NAME_CHARS = 60
_AMOUNT = re.compile(
    r"[-+(（约]?[¥￥$€£]?\s?\d[\d,.\s]*(?:%|‰|[a-zA-Z°℃㎡²³/]{1,6}|[\u4e00-\u9fff]{1,2}(?:/[\u4e00-\u9fff]{1,2})?)?[)）]?"
)
_DIGITS = re.compile(r"(?=.*\d)[\d+()/:：.,年月日时分秒\sT-]+")
_PERIOD = re.compile(
    r"(?:19|20)\d\d(?:年?度?|年\d{1,2}月|[-/.](?:0?[1-9]|1[0-2]))|\d{1,2}月份?|[QH][1-4]|第?[一二三四1-4]季度|\d{1,2}[号日时点周]|W\d+"
    r"|第\d+[周天期次轮组]",
    re.IGNORECASE,
)
_PAIR = re.compile(r"[^:：\d][^:：]{0,19}[:：](?!//)\s*\S.*")
_UNIT = re.compile(r"[（(]?\s*(?:金额|货币|计量)?单位\b.*|[（(]?\s*(?:unit|currency)s?\s*[:：].*", re.IGNORECASE)
_REMARK = re.compile(
    r"(?:[*※▲◆●■]|备?注\d*\s*[:：]|说明\s*[:：]|附注|填表|制表|审核|notes?\s*[:：]|remarks?\s*[:：]"
    r"|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十\d]+[章节部]).*",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r".*(?:名称?|姓名|部门|电话|手机|地址|日期|时间|[责系办请持审批起管接编制收付委]人|法人|人员|人数|金额|代码|地点|主题|单位|类型|类别"
    r"|状态|方式|要求|标准|备注|说明|邮箱|邮编|[编账帐卡证税批单工学型]号|号码|期限|工期|周期|有效期|范围|目的|版本|职务|职级|岗位|性别"
    r"|年龄|工龄|学历|籍贯|价格?|单价|费用|总额|数量|规格|品牌|税率|比例|资本|开户行|行业|网址|网站|官网|传真|简介|级别|等级|年限|预算|来源"
    r"|用途|产地|重量|尺寸|颜色|原因|内容|城市|地区|区域"
    r"|name|phone|tel|mobile|address|date|time|email|e-mail|id|no\.?|number|status|type|owner|manager|version|website|price"
    r"|amount|budget|department|title|location|city|country|currency|contact|fax|gender|age|role|company|model|size|weight)"
    r"(?:[（(].*[)）])?",
    re.IGNORECASE,
)
_HEADS = re.compile(
    r"项目?|名称|指标|字段|内容|数值|值|说明|参数|序号|选项|问题|答案|属性|事项|科目|条目|信息|描述|解释|含义|键|类别|金额|数量|比例|占比|单价"
    r"|人数|次数|天数|标准|要求|负责人|时间|状态|结果|备注|key|value|item|field|name|description|parameter|property|setting|question"
    r"|answer|no\.?|amount|count|number|#",
    re.IGNORECASE,
)
_SENTENCE_END = ("。", "！", "；")
_QUESTION_END = ("？", "?")


def distinct(row: Row) -> list[Cell]:
    """The cells of a row, a merged one once."""
    return list({id(cell): cell for cell in row.values()}.values())


def is_value(cell: Cell) -> bool:
    """Whether it looks like a value rather than like the name of a column."""
    if cell.kind != "text":
        return cell.kind != "number" or not _PERIOD.fullmatch(cell.text.strip())
    text = cell.text.strip()
    if len(text) > _MOST_NAME_CHARS:
        return True
    return not _PERIOD.fullmatch(text) and bool(_AMOUNT.fullmatch(text) or _DIGITS.fullmatch(text))


def kind_of(cell: Cell | None) -> str:
    """Roughly what is in a cell, to compare it with its neighbours."""
    if cell is None:
        return ""
    return "value" if cell.kind == "number" or is_value(cell) else "text"


def names_columns(row: Row) -> bool:
    """Whether a row may be a header: two names or more, and no value but numbers or days in rising order."""
    cells = distinct(row)
    values = [cell for cell in cells if is_value(cell)]
    if any(cell.text.rstrip().endswith(_SENTENCE_END) for cell in cells):
        return False
    if len(cells) < 2 or not any(cell.kind == "text" and not is_value(cell) for cell in cells):
        return False
    return not values or (is_text(cells[0]) and _rises(values))


def names_by_words(rows: Sequence[Row]) -> bool:
    """Whether the first row is a header by its words although others look like values: 工龄, 1-5年, 5-10年."""
    first = distinct(rows[0])
    below = [cell for row in rows[1:] for cell in row_start(row)]
    is_known = bool(_HEADS.fullmatch(first[0].text.strip())) or names_attributes(first[:1])
    return len(first) > 2 and is_known and all(cell.kind == "text" for cell in first) and not names_attributes(below)


def row_start(row: Row) -> list[Cell]:
    """The first cell of a row."""
    return [row[min(row)]] if row else []


def are_questions(cells: Sequence[Cell]) -> bool:
    """Whether most of the texts ask something."""
    return 2 * sum(cell.text.rstrip().endswith(_QUESTION_END) for cell in cells) > len(cells)


def is_text(cell: Cell) -> bool:
    """Text that is no amount."""
    return cell.kind == "text" and not is_value(cell)


def _rises(cells: Sequence[Cell]) -> bool:
    """Days in order, or whole numbers one after the other, as in the header of a calendar."""
    numbers = [cell.number for cell in cells if cell.number is not None]
    if len(numbers) < max(2, len(cells)):
        return False
    steps = {second - first for first, second in itertools.pairwise(numbers)}
    if all(cell.kind == "date" for cell in cells):
        return all(step > 0 for step in steps)
    return steps == {1} and len(numbers) > 2


def is_line(row: Row) -> bool:
    """Whether a row holds one text, or a few that name themselves, such as 单位：万元."""
    cells = distinct(row)
    return len(cells) == 1 or (len(cells) <= 3 and any(names_itself(cell.text.strip()) for cell in cells))


def is_lone_line(row: Row) -> bool:
    """Whether a row within a table is a line of its own: merged over columns, a remark, or long."""
    cells = distinct(row)
    if len(cells) > 1:
        return False
    text = cells[0].text.strip()
    return len(row) > 1 or bool(_REMARK.fullmatch(text)) or bool(_UNIT.fullmatch(text)) or len(text) > _MOST_NAME_CHARS


def names_itself(text: str) -> bool:
    """Whether a text says what it is about, such as 单位：万元."""
    return bool(_PAIR.fullmatch(text) or _UNIT.fullmatch(text))


def names_attributes(cells: Iterable[Cell]) -> bool:
    """Whether at least half of the texts are what one says of a thing: 电话, 地址, 日期 …"""
    texts = [cell.text.strip() for cell in cells]
    named = [text for text in texts if len(text) <= 20 and (text[-1:] in ":：" or _ATTRIBUTE.fullmatch(text))]
    return bool(texts) and 2 * len(named) >= len(texts)


def is_general_header(row: Row) -> bool:
    """Whether a row has only names that any table of two columns may have: 项目 and 数值."""
    return all(_HEADS.fullmatch(cell.text.strip()) for cell in distinct(row))
