"""Short texts in the encodings of the tenant's languages: which one it is, and a word where that is not certain."""

import sys

import pytest

from rag.errors import Unreadable
from rag.ingestion.readers.encoding import decode, decoded

_SIMPLIFIED = """报销 年假 加班费 打印机 门禁卡 会议室 离职员工须归还电脑 出差标准 财务部 请假流程 食堂周一休息
宿舍十一点半熄灯 彩色打印每页两元 合同须盖章 发票抬头 停车费八元 工牌遗失补办二十元 每月五号发工资
采购需要三家比价 试用期三个月 客户投诉二十四小时内回复 网络故障请拨八零零一 周末值班 病假需提交证明
备用金上限五千元 招待费须事先申请 车辆保险 设备归还 绩效考核 社保缴纳比例 借款须在三十日内归还
库房钥匙由保安保管 体检 快递放在前台 违者记录一次 夜班补贴 消防演练 身份证复印件 供应商名单 规格见附件
印章 旷工一天扣三天工资 押金不退 西北地区住宿标准 你好"""
SIMPLIFIED = _SIMPLIFIED.split()
_TRADITIONAL = """報銷 年假 加班費 印表機 門禁卡 會議室 離職員工須歸還電腦 出差標準 財務部 請假流程 食堂週一休息
宿舍十一點半熄燈 彩色列印每頁兩元 合約須蓋章 發票抬頭 停車費八元 識別證遺失補辦二十元 每月五號發薪水
採購需要三家比價 試用期三個月 客戶投訴二十四小時內回覆 網路故障請撥八零零一 週末值班 病假需提交證明
備用金上限五千元 招待費須事先申請 車輛保險 設備歸還 績效考核 勞保繳納比例 借款須在三十日內歸還
倉庫鑰匙由保全保管 健康檢查 快遞放在前台 違者記錄一次 夜班補貼 消防演練 身分證影本 供應商名單
規格見附件 印章 曠職一天扣三天薪水 押金不退 西北地區住宿標準 你好"""
TRADITIONAL = _TRADITIONAL.split()
WESTERN = [
    "Le café est fermé le lundi.", "Où sont les clés ?", "Congés payés", "créé à Paris", "Résumé of the meeting",
    "L’équipe répond à 9 h", "naïve façade", "Price: 20 €", "“Quoted” text", "Français – Anglais", "déjà vu",
    "Élise a signé", "très bientôt", "garçon", "Noël", "Prière de fermer la fenêtre", "été", "Please don’t smoke here",
    "The fee is £5 – no refunds…", "Société Générale",
]  # fmt: skip
JAPANESE = "出張から戻った後、十五日以内に領収書を提出してください。締め切りを過ぎると払い戻しはできません。"
KOREAN = "출장에서 돌아온 후 십오 일 이내에 영수증을 제출해 주십시오. 기한이 지나면 환급이 되지 않습니다."


@pytest.mark.parametrize(
    ("encoding", "phrases", "least"),
    [("gb18030", SIMPLIFIED, 1.0), ("big5", TRADITIONAL, 0.95), ("cp1252", WESTERN, 1.0)],
)
def test_short_texts_are_read_in_their_encoding(encoding: str, phrases: list[str], least: float) -> None:
    wrong = [each for each in phrases if decode(each.encode(encoding), "a.txt") != each]
    right = 1 - len(wrong) / len(phrases)
    sys.stdout.write(f"{encoding}: {right:.0%} of {len(phrases)} phrases are read right, wrong: {wrong}\n")
    assert right >= least, wrong


@pytest.mark.parametrize(("encoding", "phrases"), [("gb18030", SIMPLIFIED), ("big5", TRADITIONAL), ("cp1252", WESTERN)])
def test_what_is_read_wrongly_is_never_without_a_word(encoding: str, phrases: list[str]) -> None:
    found = [(each, decoded(each.encode(encoding), "a.txt")) for each in phrases]
    assert [each for each, got in found if got.text != each and not got.notes] == []
    noted = sum(bool(got.notes) for _, got in found)
    sys.stdout.write(f"{encoding}: {noted} of {len(phrases)} have a note\n")
    assert noted < len(phrases) / 4


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(JAPANESE, "shift_jis"), (JAPANESE, "euc_jp"), (KOREAN, "euc_kr"), (KOREAN, "cp949")],
)
def test_japanese_and_korean_are_still_read(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding), "a.txt").text == text
    assert decoded((text * 30).encode(encoding), "a.txt").notes == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["离职员工须归还电脑。\n规格见附件。\n", "The printer is on the first floor.\n", JAPANESE]
)
def test_utf_16_without_its_mark(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), "a.txt") == text


def test_a_text_with_latin_words_numbers_and_signs() -> None:
    text = "错误代码 ERR_1042：请联系 it@example.com，费用￥1,280.50（含税）。\n- X100 型\n"
    found = decoded(text.encode("gb18030"), "a.txt")
    assert (found.text, found.notes) == (text, ())


def test_utf_8_by_chance_is_still_chinese_and_real_cyrillic_is_not() -> None:
    assert decode("一月一日".encode("gb18030"), "a.txt") == "一月一日"
    for text in ("Привет, мир", "Γειά σου", "שלום", "café", "Müller"):
        assert decode(text.encode(), "a.txt") == text


def test_a_damaged_byte_costs_one_place_and_is_named() -> None:
    for encoding in ("utf-8", "gb18030"):
        whole = ("离职员工须归还电脑、门禁卡和工牌。\n" * 30).encode(encoding)
        found = decoded(whole[:300] + b"\xff" + whole[300:] if encoding == "utf-8" else whole[:-2], "a.txt")
        assert "归还电脑" in found.text and "damaged" in found.notes[0]


def test_another_language_has_a_note() -> None:
    text = "Сотрудники обязаны вернуть компьютер и пропуск в последний день работы. " * 3
    assert decoded(text.encode("cp1251"), "a.txt").notes != ()


@pytest.mark.parametrize("content", [b"a\x00b", b"\x00\x01\x02\x03" * 9, bytes(range(256)) * 4])
def test_what_is_no_text_says_so(content: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(content, "a.txt")
