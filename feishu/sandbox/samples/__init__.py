"""What an invented company has in the demo: a wiki with a sheet, a bitable, a file and a picture; a topic to sum up."""

from pathlib import Path
from typing import Any

from feishu.sandbox.document_store import Cell, DocumentStore, Sheet, Table
from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.sharing import Space
from feishu.sandbox.world import Message, compact

SPACE = "7300000000000000099"
_SHEET, _BASE, _FILE, _MAP = "shtcnShuttle", "bascnLoans", "boxcnParking", "boxcnMap"
TOPICS = "oc_newcomers"
LIN, ZHOU, CHEN = "ou_linxiaoman", "ou_zhouming", "ou_chenwei"
EVERY_S = 420.0
SAID = (
    (ZHOU, "星报 3.2 什么时候上线？测试已经通过了。"),
    (LIN, "我倾向周四上午，避开周五的结算。"),
    (CHEN, "周四上午可以，结算那边没有影响。"),
    (ZHOU, "那就定在周四 10:00 上线，我来发版。"),
    (LIN, "公告谁来写？财务的同事需要提前一天知道。"),
    (CHEN, "我来写公告，周三中午前发出来。"),
    (LIN, "回滚方案有人确认过吗？@周明"),
    (ZHOU, "还没有，我去找运维确认，今天下班前回复。"),
)


def put_samples(store: DocumentStore) -> str:
    """Puts them there; the link to the wiki, for `rag.links`."""
    store.spaces[SPACE] = Space(SPACE, "园区")
    store.attach(_MAP, "map.png", (Path(__file__).parent / "map.png").read_bytes())
    store.sheets(_SHEET, "园区班车时刻表", _shuttles(), Sheet("shtOld", "旧时刻表", [["停用"]], is_hidden=True))
    store.base(_BASE, "设备借用登记", _loans())
    store.upload(
        _FILE,
        "访客停车须知.md",
        "# 访客停车须知\n\n访客车辆停在 B1 层访客区，凭前台盖章的小票免费停车 4 小时。\n".encode(),
    )
    campus = store.node(
        SPACE,
        "园区地图",
        f"# 园区地图\n\n## 平面图\n\n![园区平面图]({_MAP})\n\n"
        f"## 班车\n\n时刻见下表。\n\n[[sheet:{_SHEET}_shtShuttle]]\n\n"
        f"## 停车\n\n[[file:{_FILE}|访客停车须知.md]]\n",
    )
    for title, token, kind in (("园区班车时刻表", _SHEET, "sheet"), ("设备借用登记", _BASE, "bitable")):
        store.node(SPACE, title, obj_token=token, obj_type=kind, parent=campus.node_token)
    store.node(SPACE, "访客停车须知.md", obj_token=_FILE, obj_type="file", parent=campus.node_token)
    store.managed.update({campus.obj_token, _SHEET, _BASE})
    return f"https://sandbox.feishu.cn/wiki/space/{SPACE}"


def _shuttles() -> Sheet:
    rows: list[list[Any]] = [
        ["线路", "站点", "早班发车", "晚班发车", "票价", "上座率"],
        ["1 号线", "东门", "07:40", "18:30", Cell(2, "¥2.00", '"¥"0.00'), Cell(0.82, "82%", "0%")],
        [None, "地铁站", "07:55", "18:45", Cell(2, "¥2.00", '"¥"0.00'), Cell(0.64, "64%", "0%")],
        ["2 号线", "科技路", "07:30", "18:20", Cell(3, "¥3.00", '"¥"0.00'), Cell(0.71, "71%", "0%")],
    ]
    return Sheet("shtShuttle", "班车", rows, merges=((1, 0, 2, 0),))


def _loans() -> Table:
    fields = [
        {"field_id": "fld1", "field_name": "设备", "type": 1, "ui_type": "Text", "is_primary": True, "property": None},
        {"field_id": "fld2", "field_name": "借用人", "type": 11, "ui_type": "User", "property": {"multiple": True}},
        {
            "field_id": "fld3",
            "field_name": "归还日期",
            "type": 5,
            "ui_type": "DateTime",
            "property": {"date_formatter": "yyyy/MM/dd"},
        },
        {"field_id": "fld4", "field_name": "状态", "type": 3, "ui_type": "SingleSelect", "property": None},
        {
            "field_id": "fld5",
            "field_name": "押金",
            "type": 2,
            "ui_type": "Currency",
            "property": {"formatter": "0.00", "currency_code": "CNY"},
        },
    ]
    loans = [
        ("recProjector", "投影仪 P-17", "林小满", 1_798_675_200_000, "借出", 500),
        ("recRecorder", "录音笔 R-03", "周明", 1_796_256_000_000, "已归还", 200),
        ("recTablet", "数位板 T-08", "林小满", 1_799_280_000_000, "借出", 800),
    ]
    records = [
        (
            record,
            {
                "设备": [{"type": "text", "text": device}],
                "借用人": [{"id": "ou_" + record, "name": person}],
                "归还日期": due,
                "状态": state,
                "押金": deposit,
            },
        )
        for record, device, person, due, state, deposit in loans
    ]
    return Table("tblLoans", "借用记录", fields, records)


def put_topic(sandbox: Sandbox) -> str:
    """Puts it there, said over the last hour; the id of its first message."""
    world = sandbox.world
    if CHEN not in world.people:
        sandbox.office.hire(CHEN, "陈薇")
    if CHEN not in world.chats[TOPICS].people:
        sandbox.groups.add(TOPICS, CHEN)
    topic, root = world.new_id("omt_"), ""
    for number, (person, text) in enumerate(SAID):
        at = sandbox.platform.now() - EVERY_S * (len(SAID) - number)
        message = Message(world.new_id("om_"), TOPICS, person, "user", "text", compact({"text": text}), at)
        message.thread_id = topic
        if root:
            message.parent_id = message.root_id = root
        root = root or message.message_id
        world.messages[message.message_id] = message
        sandbox.platform.show(message)
    return root
