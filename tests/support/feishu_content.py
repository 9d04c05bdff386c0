"""A wiki with something of every kind in it, on a sandbox."""

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from bot.settings import Settings, load_settings
from feishu.sandbox.document_store import Cell, DocumentStore, Node, Sheet, Table

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

SPACE = "7300000000000000001"
SHEET, BASE, FILE, OLD, PICTURE, ATTACHED = "shtcnPrices", "bascnTasks", "boxcnRules", "doccnOld", "boximg1", "boxatt1"
PEOPLE = {"name": "林小满", "id": "ou_linxiaoman", "en_name": "Lin"}


def picture(words: str = "INVOICE 2026-0042") -> bytes:
    """A PNG with words on it."""
    drawn = Image.new("RGB", (640, 120), "white")
    ImageDraw.Draw(drawn).text((20, 30), words, fill="black", font_size=48)
    written = io.BytesIO()
    drawn.save(written, "PNG")
    return written.getvalue()


def prices(store: DocumentStore, rate: float = 0.125) -> str:
    """A spreadsheet: formats, a merged cell, a hidden row and a hidden sheet."""
    shown = [
        ["城市", "季节", "住宿上限", "浮动"],
        [Cell("上海"), "旺季", Cell(1200, "¥1,200", '"¥"#,##0'), Cell(rate, f"{rate:.1%}", "0.0%")],
        [None, "淡季", Cell(800, "¥800", '"¥"#,##0'), Cell(0.05, "5.0%", "0.0%")],
        ["深圳", "全年", Cell(900, "¥900", '"¥"#,##0'), Cell(0.0, "0.0%", "0.0%")],
    ]
    first = Sheet("sht001", "住宿标准", shown, merges=((1, 0, 2, 0),), hidden_rows=frozenset({3}))  # type: ignore[arg-type]
    second = Sheet("sht002", "编号", [["编号", "名称"], ["000482", "显示器"]])
    secret = Sheet("sht003", "草稿", [["内部", "不公开的数字"]], is_hidden=True)
    return store.sheets(SHEET, "差旅标准表", first, second, secret)


def tasks(store: DocumentStore, **more: Any) -> str:
    """A bitable of two linked tables, with fields of many types."""
    fields = [
        field("任务", 1, is_primary=True),
        field("负责人", 11),
        field("截止", 5, date_formatter="yyyy/MM/dd HH:mm"),
        field("状态", 3),
        field("预算", 2, "Currency", formatter="0.00", currency_code="CNY"),
        field("进度", 2, "Progress", formatter="0%"),
        field("项目", 18, table_id="tblProjects"),
        field("是否延期", 20, "Formula", formatter="", type={"data_type": 1}),
        field("凭证", 17),
        field("链接", 15),
        field("已归档", 7),
    ]
    records: list[tuple[str, dict[str, Any]]] = [
        (
            "recA1",
            {
                "任务": [{"type": "text", "text": "更新差旅制度"}],
                "负责人": [PEOPLE],
                "截止": 1772690400000,
                "状态": "进行中",
                "预算": 12345.5,
                "进度": 0.66,
                "项目": {"link_record_ids": ["recP1"]},
                "是否延期": {"type": 1, "value": [{"type": "text", "text": "✅ 正常"}]},
                "凭证": [
                    {"file_token": ATTACHED, "name": "预算说明.md", "type": "text/markdown", "size": 20, "url": ""}
                ],
                "链接": {"text": "制度原文", "link": "https://example.com/a"},
                "已归档": False,
            },
        ),
        ("recA2", {"任务": [{"type": "text", "text": "采购显示器"}], "状态": "未开始", "预算": 8000}),
    ]
    projects = [("recP1", {"项目名": [{"type": "text", "text": "制度修订"}]})]
    one = Table("tblTasks", "任务表", fields, records)
    two = Table("tblProjects", "项目表", [field("项目名", 1, is_primary=True)], projects)
    return store.base(BASE, "任务管理", one, two, **more)


def field(name: str, kind: int, ui: str = "", *, is_primary: bool = False, **looks: Any) -> dict[str, Any]:
    """A field as the platform lists it."""
    return {"field_id": f"fld{name}", "field_name": name, "type": kind, "ui_type": ui, "is_primary": is_primary} | (
        {"property": looks} if looks else {"property": None}
    )


def fill(store: DocumentStore) -> dict[str, Node]:
    """Puts it all there; the nodes by their names."""
    store.attach(PICTURE, "invoice.png", picture())
    store.attach(ATTACHED, "预算说明.md", "# 预算说明\n\n预算由财务复核。\n".encode(), "text/markdown")
    prices(store)
    tasks(store)
    store.upload(FILE, "门禁规定.md", "# 门禁规定\n\n访客须登记身份证。\n".encode())
    store.other(OLD, "doc", "旧版制度")
    handbook = store.node(
        SPACE,
        "报销手册",
        "# 报销\n\n由 @[ou_zhouming] 负责，见 [官网](https://example.com/r)。\n\n## 时限\n\n十个工作日内提交。\n\n"
        f"![发票样例]({PICTURE})\n\n| 级别 | 上限 |\n| --- | --- |\n| 经理 | 500 |\n\n"
        f"[[sheet:{SHEET}_sht002]]\n\n[[bitable:{BASE}_tblProjects]]\n\n[[file:{ATTACHED}|预算说明.md]]\n\n[[board]]\n\n"
        "## 联系\n\n1. 先问组长\n2. 再问财务\n",
    )
    return {
        "handbook": handbook,
        "sheet": store.node(SPACE, "差旅标准表", obj_token=SHEET, obj_type="sheet", parent=handbook.node_token),
        "base": store.node(SPACE, "任务管理", obj_token=BASE, obj_type="bitable", parent=handbook.node_token),
        "file": store.node(SPACE, "门禁规定.md", obj_token=FILE, obj_type="file"),
        "mind": store.node(SPACE, "脑图", obj_token=store.other("bmncn1", "mindnote", "脑图"), obj_type="mindnote"),
        "slides": store.node(SPACE, "汇报", obj_token=store.other("sldcn1", "slides", "汇报"), obj_type="slides"),
    }


def settings_of(stage: "Stage", how: dict[str, str]) -> Settings:
    """The settings of a bot on the stage's platform, as its environment gives them."""
    app = stage.sandbox.settings
    environment = {"FEISHU__APP_ID": app.app_id, "FEISHU__APP_SECRET": app.app_secret, "FEISHU__BASE_URL": stage.url}
    return load_settings(None, environ={**environment, "RAG__EMBEDDING__PROVIDER": "none", **how}, env_file=None)
