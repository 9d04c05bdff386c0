"""Whether a model can read a language: of two ways to say a thing, does it find the one by the other?

Twelve pairs a language with hardly a word in common. A model without a language's characters in its vocabulary sees
unknown tokens and pairs by chance and by length; one that was trained on it pairs nearly all.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.embedding.protocol import Embedder

READS_FROM = 0.5
"""The share of pairs from which a model counts as reading the language; by chance it is a twelfth."""

PAIRS = {
    "zh": """怎么请假|想休息几天该走哪些手续
发票丢了如何处理|报账的凭证遗失
电脑打不开|计算机无法启动
什么时候发工资|每月薪水几号到账
忘记密码|登录口令想不起来
在哪里订会议室|预约开会的房间
打印机卡住了|复印设备出不了纸
食堂几点开饭|餐厅供应午餐的时间
员工离职流程|辞去工作要办的事
出差住酒店的标准|外地公干时房费上限
网速很慢|上网太卡
怀孕可以休息多久|产假天数""",
    "en": """How do I take time off?|Requesting vacation days
I lost the receipt|What to do about a missing invoice
My laptop won't turn on|Computer does not boot
When do we get paid?|Monthly salary date
Forgot my password|Cannot remember login credentials
Book a meeting room|Reserve a conference space
Paper stuck in the printer|The copier is jammed
What time is lunch?|Canteen opening hours
Quitting the company|Resignation procedure
Hotel budget on business trips|Limit for accommodation while travelling for work
The internet is slow|Poor network speed
How long is maternity leave?|Time off after having a baby""",
}


def reading(embedder: "Embedder") -> dict[str, float]:
    """For each language the share of pairs, 0 to 1, that the model puts together."""
    return {language: _paired(embedder, pairs.split("\n")) for language, pairs in PAIRS.items()}


def _paired(embedder: "Embedder", pairs: list[str]) -> float:
    questions, passages = zip(*(pair.split("|") for pair in pairs), strict=True)
    rows = embedder.embed_passages(list(passages))
    nearest = [int((rows @ embedder.embed_question(question)).argmax()) for question in questions]
    return sum(place == found for place, found in enumerate(nearest)) / len(pairs)
