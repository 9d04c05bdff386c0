"""A small knowledge folder and the settings to answer from it, for tests of the rag package."""

from pathlib import Path

from rag.settings import EmbeddingSettings, LlmSettings, RagSettings, TimeoutSettings

EXPENSES = """---
title: 报销制度
link: https://wiki.example.com/expenses
---

# 报销制度

## 差旅报销

员工出差结束后 15 个工作日内提交报销单，逾期需部门负责人特批。发票抬头必须为公司全称。

住宿标准如下：

| 城市 | 每晚上限 |
| --- | --- |
| 北京、上海 | 600 元 |
| 其他城市 | 400 元 |

## 报销流程

1. 登录 OA，选择“费用报销”。
2. 上传发票与行程单。
3. 直属上级审批后由财务复核。
"""
LEAVE = """# 休假制度

## 年休假

入职满一年的员工每年有 5 天年假，满十年的有 10 天。年假需提前三天在 OA 提交申请。

## 病假

病假须在当天上午 10 点前告知直属上级，三天以上需提供医院证明。
"""
VPN = """# VPN

Open `vpn-client.conf` and restart the client. Error ERR_1042 means that your certificate has expired; ask the IT desk.
"""


def write_knowledge(folder: Path) -> Path:
    """Three documents, two Chinese and one English."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expenses.md").write_text(EXPENSES, encoding="utf-8")
    (folder / "leave.md").write_text(LEAVE, encoding="utf-8")
    (folder / "vpn.md").write_text(VPN, encoding="utf-8")
    return folder


def rag_settings(
    folder: Path,
    *,
    embedding: EmbeddingSettings | None = None,
    llm: LlmSettings | None = None,
) -> RagSettings:
    """Settings over `folder/knowledge` and `folder/index`; lexical and extractive without a pause unless told."""
    return RagSettings(
        knowledge=[folder / "knowledge"],
        index_dir=folder / "index",
        embedding=embedding or EmbeddingSettings(provider="none"),
        llm=llm or LlmSettings(provider="extractive", typing_pause_s=0),
    )


def model_settings(base_url: str, **timeouts: float) -> LlmSettings:
    """A model at this address."""
    return LlmSettings(provider="openai", base_url=base_url, model="test-model", timeouts=TimeoutSettings(**timeouts))
