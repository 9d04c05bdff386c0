"""Names with signs, versions and figures: of sections that differ in nothing else, the one asked for comes first.

Each group is ingested alone and all together, so that a term is rare once and once among its likes.
"""

from pathlib import Path

import pytest

from rag.events import Question, Retrieved
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.retrieval.retriever import Retriever
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings

SIGNS = """# 编码规范

## C++ 规范

C++ 代码缩进为四个空格。

## C# 规范

C# 代码缩进为两个空格。
"""

LANGUAGES = """
C 规范：C 代码缩进为八个空格。
C++ 规范：C++ 代码缩进为四个空格。
C# 规范：C# 代码缩进为两个空格。
F# 规范：F# 代码缩进为三个空格。
Objective-C 规范：Objective-C 代码缩进为五个空格。
C++17 规范：C++17 代码可以用折叠表达式。
C++20 规范：C++20 代码可以用协程。
NET 规范：NET 代码放在内网。
.NET 规范：.NET 代码放在仓库。
ASP.NET 规范：ASP.NET 代码放在网站。
Java 规范：Java 代码缩进为六个空格。
JavaScript 规范：JavaScript 代码缩进为七个空格。
"""
NAMES = """
force 参数：说明在第一页。
--force 参数：说明在第二页。
-v 参数：说明在第三页。
-V2 参数：说明在第四页。
.env 文件：放在根目录。
env 文件：放在子目录。
*.xlsx 文件：由财务保存。
*.xls 文件：由档案室保存。
$HOME 变量：指向家目录。
HOME 按钮：回到首页。
@channel 提醒：全频道收到。
channel 设置：由频道管理员修改。
#标签 写法：话题以井号开头。
标签 写法：物料标签贴在正面。
A/B 测试：分流到两个版本。
B 测试：只测内部版本。
R&D 部门：在三楼。
D 部门：在五楼。
TCP/IP 协议：由网络组维护。
TCP 端口：由安全组维护。
log4j2 配置：放在资源目录。
log4j 配置：已经停用。
k8s 集群：由平台组维护。
E-4021 错误：重启网关。
E-4012 错误：更换网线。
5G 套餐：每月一百元。
4G 套餐：每月五十元。
"""
VERSIONS = """
2.3.1 版发布说明：修复登录。
2.3.10 版发布说明：修复支付。
2.3.11 版发布说明：修复搜索。
2.31 版发布说明：修复导出。
5.3 版发布说明：修复报表。
5.30 版发布说明：修复打印。
v4.0.2 发布说明：修复通知。
v4.0.20 发布说明：修复日历。
"""
FIGURES = """
保修三十五个月的机型：网关。
保修 36 个月的机型：路由器。
保修二十五个月的机型：交换机。
15 个工作日办结：采购申请。
十六个工作日办结：合同审批。
5 个工作日办结：用印申请。
五千元以上的采购：部门总监审批。
50000 元以上的采购：总裁审批。
500 元以上的采购：组长审批。
第三条：考勤按月统计。
第13条：加班须先申请。
第四条：迟到按次记录。
完成率百分之八十：发八成奖金。
完成率 100%：发全部奖金。
完成率 85%：发九成奖金。
2026年3月的安排：体检。
二〇二六年四月的安排：团建。
2025 年 3 月的安排：年会。
上午 10:00 的会议：晨会。
上午十一点的会议：周会。
叁拾捌号楼：食堂。
39 号楼：宿舍。
两天内答复：普通工单。
三天内答复：疑难工单。
一个月内整改：轻微问题。
两个月内整改：严重问题。
"""

CASES = {
    "languages": [
        ("C# 缩进几个空格", "C# 代码"),
        ("C++ 缩进几个空格", "C++ 代码缩进"),
        ("c++ 代码怎么缩进？", "C++ 代码缩进"),
        ("Ｃ＃ 缩进几个空格", "C# 代码"),
        ("Ｃ＋＋怎么缩进", "C++ 代码缩进"),
        ("C 语言代码缩进几个空格", "C 代码"),
        ("f#的缩进", "F# 代码"),
        ("Objective-C 缩进", "Objective-C 代码"),
        ("C++20 规范", "C++20 代码"),
        ("C++17有什么规范", "C++17 代码"),
        (".NET 代码放在哪里", ".NET 代码放在仓库"),
        ("．ｎｅｔ 代码放哪", ".NET 代码放在仓库"),
        ("NET 代码放在哪里", "内网"),
        ("asp.net 代码放在哪里", "网站"),
        ("Java 缩进", "Java 代码"),
    ],
    "names": [
        ("--force 参数在哪里说明", "第二页"),
        ("force 参数在哪里说明", "第一页"),
        ("-v 参数的说明", "第三页"),
        (".env 文件放哪", "根目录"),
        ("env 文件放哪", "子目录"),
        ("*.xlsx 文件谁保存", "财务"),
        ("*.xls 文件谁保存", "档案室"),
        ("$HOME 是什么", "家目录"),
        ("@channel 谁会收到", "全频道"),
        ("#标签 怎么写", "井号"),
        ("A/B 测试怎么做", "分流"),
        ("a/b测试", "分流"),
        ("B 测试测什么", "内部版本"),
        ("R&D 部门在几楼", "三楼"),
        ("TCP/IP 谁维护", "网络组"),
        ("log4j2 放在哪", "资源目录"),
        ("log4j 还用吗", "已经停用"),
        ("K8S 谁维护", "平台组"),
        ("E-4021 怎么办", "重启网关"),
        ("e4012 怎么办", "更换网线"),
        ("５Ｇ 套餐多少钱", "一百元"),
    ],
    "versions": [
        ("2.3.1 修复了什么", "修复登录"),
        ("v2.3.1 修复了什么", "修复登录"),
        ("V2.3.1修复了什么", "修复登录"),
        ("版本2.3.1修复了什么", "修复登录"),
        ("version 2.3.1 修复了什么", "修复登录"),
        ("２．３．１ 修复了什么", "修复登录"),
        ("2.3.10 修复了什么", "修复支付"),
        ("5.3 修复了什么", "修复报表"),
        ("v5.30 修复了什么", "修复打印"),
        ("4.0.2 修复了什么", "修复通知"),
        ("版本 4.0.20 修复了什么", "修复日历"),
    ],
    "figures": [
        ("保修 35 个月的是哪个机型", "网关"),
        ("保修３５个月的机型", "网关"),
        ("保修叁拾伍个月的机型", "网关"),
        ("保修三十五个月的机型", "网关"),
        ("保修三十六个月的机型", "路由器"),
        ("哪些申请十五个工作日办结", "采购申请"),
        ("哪些申请 16 个工作日办结", "合同审批"),
        ("五个工作日办结的是哪些", "用印申请"),
        ("5000 元以上的采购谁审批", "总监"),
        ("5,000元以上的采购谁审批", "总监"),
        ("¥5000 以上的采购谁审批", "总监"),
        ("五万元以上的采购谁审批", "总裁"),
        ("5万元以上的采购谁审批", "总裁"),
        ("五百块以上的采购谁审批", "组长"),
        ("第3条是什么", "考勤"),
        ("第 3 条是什么", "考勤"),
        ("第十三条是什么", "加班"),
        ("第4条是什么", "迟到"),
        ("完成率80%发多少奖金", "八成"),
        ("完成率百分之八十五发多少奖金", "九成"),
        ("二〇二六年三月有什么安排", "体检"),
        ("2026 年 4 月有什么安排", "团建"),
        ("2025-03 有什么安排", "年会"),
        ("上午十点的会议是什么", "晨会"),
        ("上午 11:00 的会议是什么", "周会"),
        ("38 号楼是什么", "食堂"),
        ("三十九号楼是什么", "宿舍"),
        ("2 天内答复的是哪种工单", "普通"),
        ("3天内答复的是哪种工单", "疑难"),
        ("1 个月内整改的问题", "轻微"),
        ("2个月内整改的问题", "严重"),
    ],
}
GROUPS = {"languages": LANGUAGES, "names": NAMES, "versions": VERSIONS, "figures": FIGURES}


def write(folder: Path, names: list[str]) -> None:
    """A document for each group: each line a section of its own, its beginning the heading and again in the text."""
    folder.mkdir()
    for name in names:
        sections = [line.partition("：") for line in GROUPS[name].strip().split("\n")]
        text = "\n\n".join(f"## {heading}\n\n{heading}：{rest}" for heading, _, rest in sections)
        (folder / f"{name}.md").write_text(f"# 手册\n\n{text}\n", encoding="utf-8")


def retriever(folder: Path, names: list[str]) -> Retriever:
    write(folder / "knowledge", names)
    settings = RagSettings(
        knowledge=[folder / "knowledge"], index_dir=folder / "index", embedding=EmbeddingSettings(provider="none")
    )
    ingest(settings)
    return Retriever(settings.retrieval, Index.open(settings.index_dir))


async def missed(searching: Retriever, names: list[str]) -> list[str]:
    """The questions whose first passage is another one, with what that says."""
    found = []
    for name in names:
        for question, wanted in CASES[name]:
            passages = (await searching.search(question)).passages
            first = passages[0].chunk.text if passages else ""
            if wanted not in first:
                found.append(f"{question}: {first}")
    return found


@pytest.mark.parametrize("name", CASES)
async def test_the_exact_term_comes_first_among_its_likes(tmp_path: Path, name: str) -> None:
    others = await missed(retriever(tmp_path, [name]), [name])
    assert not others, "\n".join(others)


async def test_the_exact_term_comes_first_in_all_of_them(tmp_path: Path) -> None:
    others = await missed(retriever(tmp_path, list(GROUPS)), list(GROUPS))
    assert not others, "\n".join(others)


@pytest.mark.parametrize(("question", "answer"), [("C# 缩进几个空格", "两个空格"), ("C++ 缩进几个空格", "四个空格")])
async def test_names_that_differ_in_their_signs_are_told_apart(tmp_path: Path, question: str, answer: str) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "signs.md").write_text(SIGNS, encoding="utf-8")
    settings = RagSettings(
        knowledge=[tmp_path / "knowledge"], index_dir=tmp_path / "index", embedding=EmbeddingSettings(provider="none")
    )
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    events = [event async for event in library.answer(Question(question, EVERYTHING))]
    await library.aclose()
    assert isinstance(events[0], Retrieved)
    first, second = events[0].passages
    assert answer in first.chunk.text
    assert first.coverage > second.coverage + 0.2
