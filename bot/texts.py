"""Every word that a chat user reads, in Chinese and in English. Nothing else in the code speaks to people."""

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's wording. `{…}` are filled by `str.format`."""

    retrieving: str
    found: str
    found_none: str
    generating: str
    resuming: str
    queued: str
    generating_preview: str
    sources: str
    source_uncited: str
    nearest: str
    no_evidence: str
    no_evidence_advice: str
    stopped: str
    stopped_empty: str
    interrupted: str
    failed_model_unavailable: str
    failed_model_rejected: str
    failed_model_timeout: str
    failed_too_long: str
    failed_refused: str
    failed_index_missing: str
    failed_index: str
    failed_embedding: str
    failed_other: str
    failed_partial: str
    failed_many_attempts: str
    reasoning: str
    thinking: str
    elapsed: str
    long_so_far: str
    continued: str
    continuation: str
    sent_apart: str
    footer_seconds: str
    footer_tokens: str
    footer_extractive: str
    footer_version: str
    button_up: str
    button_down: str
    button_regenerate: str
    button_stop: str
    button_previous: str
    button_next: str
    reason_title: str
    reason_kind: str
    reason_comment: str
    reason_submit: str
    reason_off_topic: str
    reason_outdated: str
    reason_incomplete: str
    reason_wrong_source: str
    reason_other: str
    reason_thanks: str
    toast_up: str
    toast_down: str
    toast_same_vote: str
    toast_regenerating: str
    toast_regenerating_already: str
    toast_regenerate_busy: str
    toast_stopping: str
    toast_nothing_to_stop: str
    toast_unknown_action: str
    toast_not_here: str
    toast_gone: str
    toast_reason: str
    toast_reason_without_vote: str
    toast_slow_store: str
    unsupported_message: str
    empty_question: str
    new_card_note: str


ZH = Texts(
    retrieving="🔍 检索中…",
    found="📚 找到 {count} 段资料",
    found_none="📭 没有找到相关资料",
    generating="✍️ 生成中…",
    resuming="🔁 服务刚刚重启，接着回答…",
    queued="⏳ 排队中…",
    generating_preview="正在回答…",
    sources="📎 参考资料（{count}）",
    source_uncited="检索到，未引用",
    nearest="🔎 最接近的资料（{count}）",
    no_evidence="根据现有资料无法回答此问题",
    no_evidence_advice="可以换个说法再问，或请资料负责人补充这部分内容。",
    stopped="⏹ 已停止，以上是停止前写下的内容。",
    stopped_empty="⏹ 已停止，还没有写出内容。",
    interrupted="⚠️ 服务正在重启，回答中断了，请点 🔄 重新生成。",
    failed_model_unavailable="⚠️ 暂时连不上大模型服务，请稍后点 🔄 重试；如果一直这样，请告诉管理员。",
    failed_model_rejected="⚠️ 大模型服务拒绝了请求（密钥、模型名或参数不对），请告诉管理员检查配置。",
    failed_model_timeout="⚠️ 大模型响应超时，请稍后点 🔄 重试。",
    failed_too_long="⚠️ 问题和资料加起来超出了大模型的长度上限，请把问题缩短一些再试。",
    failed_refused="⚠️ 大模型服务拒绝回答这类内容。",
    failed_index_missing="⚠️ 知识库还没有建好，请管理员运行 feishu-rag ingest。",
    failed_index="⚠️ 知识库索引现在无法使用，请管理员运行 feishu-rag doctor 查看原因。",
    failed_embedding="⚠️ 向量模型暂时不可用，请稍后点 🔄 重试。",
    failed_other="⚠️ 回答时出了问题，请稍后点 🔄 重试；如果一直这样，请告诉管理员。",
    failed_partial="以上是中断前写下的内容，可能不完整。",
    failed_many_attempts="⚠️ 试了 {attempts} 次仍然没能回答，已记录给管理员，请稍后再问。",
    reasoning="💭 思考过程",
    thinking="💭 思考中…",
    elapsed="{seconds} 秒",
    long_so_far="回答较长，余下部分稍后在后续卡片里",
    continued="⬇️ 回答较长，余下部分见后续卡片（共 {count} 张）",
    continuation="续 {number}/{count} · {question}",
    sent_apart="⚠️ 这张卡片一度无法更新，完整回答已作为新消息发出。",
    footer_seconds="{seconds:.1f} 秒",
    footer_tokens="{tokens} tokens",
    footer_extractive="原文摘录",
    footer_version="第 {version} 版",
    button_up="👍 有用",
    button_down="👎 没用",
    button_regenerate="🔄 重新生成",
    button_stop="⏹ 停止",
    button_previous="‹",
    button_next="›",
    reason_title="👎 哪里不好？说一声，方便资料负责人改进",
    reason_kind="选择原因",
    reason_comment="补充说明（可不填）",
    reason_submit="提交",
    reason_off_topic="答非所问",
    reason_outdated="内容过时",
    reason_incomplete="不完整",
    reason_wrong_source="来源不对",
    reason_other="其他",
    reason_thanks="🙏 谢谢，原因已记下。",
    toast_up="谢谢，已记下 👍",
    toast_down="谢谢，已记下 👎",
    toast_same_vote="你已经这样投过了",
    toast_regenerating="好的，正在重新生成",
    toast_regenerating_already="已经在重新生成了",
    toast_regenerate_busy="正在回答，请稍等",
    toast_stopping="好的，正在停止",
    toast_nothing_to_stop="这个回答已经结束了",
    toast_unknown_action="不认识这个操作，请重新提问",
    toast_not_here="这张卡片不属于这个会话，操作无效",
    toast_gone="这个回答已经找不到了，请重新提问",
    toast_reason="谢谢，原因已记下",
    toast_reason_without_vote="你的 👎 已经改掉了，原因没有记录",
    toast_slow_store="系统有点忙，请再点一次",
    unsupported_message="我目前能回答文字和富文本问题，请用文字再问一次 🙂",
    empty_question="我在。请在 @我 之后写上你的问题，例如：出差回来多久内要报销？",
    new_card_note="原来的卡片无法更新，回答在这里：",
)

EN = Texts(
    retrieving="🔍 Searching…",
    found="📚 Found {count} passages",
    found_none="📭 Found nothing relevant",
    generating="✍️ Writing…",
    resuming="🔁 The service was just restarted; going on…",
    queued="⏳ Waiting…",
    generating_preview="Answering…",
    sources="📎 Sources ({count})",
    source_uncited="found, not cited",
    nearest="🔎 Nearest documents ({count})",
    no_evidence="The documents at hand do not answer this question",
    no_evidence_advice="Try other words, or ask the owner of the documents to add this.",
    stopped="⏹ Stopped. The text above was written before.",
    stopped_empty="⏹ Stopped before anything was written.",
    interrupted="⚠️ The service is restarting and the answer was cut off. Please press 🔄.",
    failed_model_unavailable="⚠️ The model cannot be reached right now. Press 🔄 later; if it stays so, tell the admin.",
    failed_model_rejected="⚠️ The model's server refused the request (key, model name or parameters). Tell the admin.",
    failed_model_timeout="⚠️ The model took too long. Please press 🔄 later.",
    failed_too_long="⚠️ Question and documents exceed what the model can read. Please shorten the question.",
    failed_refused="⚠️ The model's provider refuses to answer this kind of content.",
    failed_index_missing="⚠️ The knowledge base is not built yet. The admin should run feishu-rag ingest.",
    failed_index="⚠️ The knowledge base cannot be used right now. The admin should run feishu-rag doctor.",
    failed_embedding="⚠️ The embedding model is not available right now. Please press 🔄 later.",
    failed_other="⚠️ Something went wrong. Press 🔄 later; if it stays so, tell the admin.",
    failed_partial="The text above was written before the interruption and may be incomplete.",
    failed_many_attempts="⚠️ {attempts} attempts brought no answer; the admin can see why. Please ask again later.",
    reasoning="💭 Reasoning",
    thinking="💭 Thinking…",
    elapsed="{seconds} s",
    long_so_far="a long answer: the rest will come on further cards",
    continued="⬇️ A long answer: it goes on in the next card ({count} in all)",
    continuation="continued {number}/{count} · {question}",
    sent_apart="⚠️ This card could not be updated for a while; the whole answer was sent as a new message.",
    footer_seconds="{seconds:.1f} s",
    footer_tokens="{tokens} tokens",
    footer_extractive="quoted from documents",
    footer_version="version {version}",
    button_up="👍 Helpful",
    button_down="👎 Not helpful",
    button_regenerate="🔄 Regenerate",
    button_stop="⏹ Stop",
    button_previous="‹",
    button_next="›",
    reason_title="👎 What is wrong? It helps the owner of the documents",
    reason_kind="Choose a reason",
    reason_comment="Anything to add (optional)",
    reason_submit="Send",
    reason_off_topic="Off topic",
    reason_outdated="Outdated",
    reason_incomplete="Incomplete",
    reason_wrong_source="Wrong source",
    reason_other="Other",
    reason_thanks="🙏 Thanks, your reason is noted.",
    toast_up="Thanks, noted 👍",
    toast_down="Thanks, noted 👎",
    toast_same_vote="You voted like this already",
    toast_regenerating="OK, writing a new answer",
    toast_regenerating_already="A new answer is being written already",
    toast_regenerate_busy="Still answering, one moment",
    toast_stopping="OK, stopping",
    toast_nothing_to_stop="This answer has already ended",
    toast_unknown_action="Unknown action, please ask again",
    toast_not_here="This card does not belong to this chat",
    toast_gone="This answer no longer exists, please ask again",
    toast_reason="Thanks, your reason is noted",
    toast_reason_without_vote="Your 👎 was changed, so no reason was stored",
    toast_slow_store="Busy right now, please press again",
    unsupported_message="I can answer text and rich text for now. Please ask again in words 🙂",
    empty_question="I'm here. Please write your question after mentioning me, e.g. How soon must I file expenses?",
    new_card_note="The earlier card cannot be updated; here is the answer:",
)


def texts(language: Language) -> Texts:
    """The wording of a language."""
    return ZH if language == "zh" else EN


def language_of(text: str, *, preferred: Literal["auto", "zh", "en"] = "auto") -> Language:
    """The language to answer in: the configured one, or that of the question."""
    if preferred != "auto":
        return preferred
    return "zh" if _CJK.search(text) or not re.search(r"[A-Za-z]", text) else "en"
