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
    queued_place: str
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
    help_text: str
    new_done: str
    sources_title: str
    sources_more: str
    sources_none: str
    feedback_how: str
    feedback_done: str
    stop_done: str
    stop_nothing: str
    forget_done: str
    welcome_title: str
    welcome_group: str
    welcome_private: str
    welcome_try: str
    suggest_about: str
    suggest_title: str
    suggestions: str
    toast_asking: str
    toast_asked_already: str
    toast_not_yours: str
    toast_person: str
    toast_person_already: str
    button_person: str
    person_asked: str
    person_reply: str
    person_reply_mention: str
    person_thanks: str
    person_answer: str
    follow_up_hint: str
    understood: str
    recalled: str
    refused_not_for_you: str
    refused_not_here: str
    refused_quiet_hours: str
    refused_too_many: str
    refused_too_many_here: str
    kind_image_group: str
    kind_file_group: str
    kind_audio: str
    kind_sticker: str
    kind_other: str
    file_read: str
    file_empty: str
    file_too_large: str
    file_unsupported: str
    file_unreadable: str
    file_gone: str
    image_no_reader: str
    image_too_large: str
    image_unreadable: str
    image_no_text: str
    image_text: str
    image_question: str
    forwarded_nothing: str
    forwarded_gone: str


ZH = Texts(
    retrieving="🔍 检索中…",
    found="📚 找到 {count} 段资料",
    found_none="📭 没有找到相关资料",
    generating="✍️ 生成中…",
    resuming="🔁 服务刚刚重启，接着回答…",
    queued="⏳ 排队中…",
    queued_place="⏳ 排队中，前面还有 {count} 个问题，轮到时会在这张卡片上回答",
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
    help_text=(
        "我能根据资料库回答问题：\n"
        "• 群里 @我 提问，私聊直接问；回复我的卡片可以追问\n"
        "• 私聊可以发文件或图片给我，再问里面的内容\n"
        "• /new 开始新对话　/sources 查看资料　/stop 停止回答\n"
        "• /feedback 你的意见　/forget 删除我保存的你的数据\n"
        "• 卡片上的 👍 👎 🔄 ⏹ 可以直接点"
    ),
    new_done="好的，我们重新开始，前面说的我不再记着了。",
    sources_title="资料库里现有 {count} 份资料：",
    sources_more="……还有 {count} 份",
    sources_none="资料库现在还是空的，或者暂时打不开。",
    feedback_how="请在 /feedback 后面写上意见，例如：/feedback 年假的规定过时了",
    feedback_done="谢谢，意见已记下。",
    stop_done="⏹ 好的，正在停止。",
    stop_nothing="这里现在没有正在写的回答。",
    forget_done="已删除我保存的你的提问、回答、文件和投票（{count} 条提问）。",
    welcome_title="你好，我是{name}",
    welcome_group="有问题就 @我，我会根据资料回答，并附上出处。发送 /help 查看我能做什么。",
    welcome_private="直接把问题发给我就行，我会根据资料回答，并附上出处。发送 /help 查看我能做什么。",
    welcome_try="试试这样问：",
    suggest_about="《{title}》里关于“{heading}”是怎么说的？",
    suggest_title="《{title}》主要讲什么？",
    suggestions="💡 还可以问",
    toast_asking="好的，正在回答",
    toast_asked_already="已经问过了，请看下面的卡片",
    toast_not_yours="只有提问的人可以操作",
    toast_person="好的，已请资料负责人来看",
    toast_person_already="已经请过资料负责人了",
    button_person="🙋 请人来答",
    person_asked="有个问题资料里没有答案，请帮忙看看：{question}",
    person_reply="直接回复这条消息即可，我会记下来。",
    person_reply_mention="请回复这条消息并 @我，我会记下来。",
    person_thanks="🙏 谢谢，已记为这个问题的答案：{question}",
    person_answer="🙋 资料负责人回复了你的问题“{question}”：\n{reply}",
    follow_up_hint="💬 追问请回复本卡片并 @我",
    understood="我的理解：{question}",
    recalled="提问已撤回，回答已清除。",
    refused_not_for_you="抱歉，我目前没有为你开通，需要的话请联系管理员。",
    refused_not_here="抱歉，我没有在这个群开通，可以私聊我。",
    refused_quiet_hours="现在是安静时间，我先不在群里回答，可以私聊我。",
    refused_too_many="问得有点快，请过一分钟再问我 🙂",
    refused_too_many_here="这个群里的问题有点多，请过一分钟再问我 🙂",
    kind_image_group="我看到一张图片，但群里请在图片旁写上问题并 @我；也可以私聊发给我。",
    kind_file_group="文件请私聊发给我，我读完后就可以问里面的内容。",
    kind_audio="我还听不了语音，请用文字问我；图片、文件和富文本也可以。",
    kind_sticker="表情收到 🙂 有问题就用文字问我吧。",
    kind_other="这种消息我还看不懂，文字、富文本、图片、文件和合并转发都可以。",
    file_read="📄 已读完《{name}》，现在可以直接问里面的内容（只在这个对话里使用，/new 后忘记）。",
    file_empty="《{name}》是空文件，没有内容可读。",
    file_too_large="《{name}》太大了，我最多能读 {limit} MB。",
    file_unsupported="《{name}》这种格式我读不了，可以发 PDF、Word、PPT、Excel、Markdown、网页或纯文本。",
    file_unreadable="《{name}》读不出来：文件可能损坏、加密，或解压后过大。",
    file_gone="文件下载不了，可能已被撤回，或者应用没有读取消息资源的权限。",
    image_no_reader="我收到了图片，但这里没有开启图片识别，请把文字发给我。",
    image_too_large="图片太大了（最多 {limit} 万像素、10 MB），请截小一点再发。",
    image_unreadable="这张图片打不开，请换一张或把文字发给我。",
    image_no_text="图片里没有认出文字，请把问题写给我。",
    image_text="🖼 图片里的文字",
    image_question="图片里写着：{text}",
    forwarded_nothing="合并转发里没有我能读的文字。",
    forwarded_gone="合并转发的内容取不到，可能已被撤回，或者应用没有读取消息的权限。",
)

EN = Texts(
    retrieving="🔍 Searching…",
    found="📚 Found {count} passages",
    found_none="📭 Found nothing relevant",
    generating="✍️ Writing…",
    resuming="🔁 The service was just restarted; going on…",
    queued="⏳ Waiting…",
    queued_place="⏳ Waiting: {count} ahead; this card will hold the answer",
    generating_preview="Answering…",
    sources="📎 Sources ({count})",
    source_uncited="found, not cited",
    nearest="🔎 Nearest documents ({count})",
    no_evidence="The documents at hand do not answer this question",
    no_evidence_advice="Try other words, or ask the owner of the documents to add this.",
    stopped="⏹ Stopped. The text above was written before.",
    stopped_empty="⏹ Stopped before anything was written.",
    interrupted="⚠️ The service is restarting and the answer was cut off. Please press 🔄.",
    failed_model_unavailable=(
        "⚠️ The model cannot be reached right now. Press 🔄 later; if it stays so, tell the admin."
    ),
    failed_model_rejected=("⚠️ The model's server refused the request (key, model name or parameters). Tell the admin."),
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
    help_text=(
        "I answer questions from the documents:\n"
        "• mention me in a group, or just ask in private; reply to my card to follow up\n"
        "• in private, send me a file or an image and ask about it\n"
        "• /new starts over, /sources lists the documents, /stop stops the answer\n"
        "• /feedback your words, /forget deletes what I keep about you\n"
        "• press 👍 👎 🔄 ⏹ on the cards"
    ),
    new_done="OK, a fresh start: I no longer keep in mind what was said before.",
    sources_title="There are {count} documents:",
    sources_more="… and {count} more",
    sources_none="There are no documents yet, or they cannot be opened right now.",
    feedback_how="Please write your words after /feedback, e.g. /feedback the rules on leave are outdated",
    feedback_done="Thanks, your words are noted.",
    stop_done="⏹ OK, stopping.",
    stop_nothing="Nothing is being answered here right now.",
    forget_done="I deleted your questions, answers, files and votes ({count} questions).",
    welcome_title="Hello, I am {name}",
    welcome_group=(
        "Mention me with a question: I answer from the documents and name the sources. /help says what I can do."
    ),
    welcome_private=(
        "Just send me a question: I answer from the documents and name the sources. /help says what I can do."
    ),
    welcome_try="Try one of these:",
    suggest_about="What does “{title}” say about “{heading}”?",
    suggest_title="What is “{title}” about?",
    suggestions="💡 You could also ask",
    toast_asking="OK, answering",
    toast_asked_already="Already asked, see the card below",
    toast_not_yours="Only the person who asked may do that",
    toast_person="OK, the owners have been asked",
    toast_person_already="The owners have been asked already",
    button_person="🙋 Ask a person",
    person_asked="The documents do not answer this; could you help? {question}",
    person_reply="Just reply to this message; I will note it down.",
    person_reply_mention="Please reply to this message and @ me; I will note it down.",
    person_thanks="🙏 Thanks, noted as the answer to: {question}",
    person_answer="🙋 An owner has answered your question “{question}”:\n{reply}",
    follow_up_hint="💬 To follow up, reply to this card and @ me",
    understood="Understood as: {question}",
    recalled="The question was taken back, and its answer removed.",
    refused_not_for_you="Sorry, I am not open to you yet. Please ask the admin if you need me.",
    refused_not_here="Sorry, I do not answer in this group. You can ask me in private.",
    refused_quiet_hours="These are quiet hours, so I do not answer in groups now. You can ask me in private.",
    refused_too_many="That was quick! Please ask again in a minute 🙂",
    refused_too_many_here="Many questions in this group right now. Please ask again in a minute 🙂",
    kind_image_group=(
        "I see an image. In a group, please write your question beside it and @ me, or send it to me in private."
    ),
    kind_file_group="Please send me files in private; then you can ask about them.",
    kind_audio="I cannot listen to audio yet. Please write; text, rich text, images and files work.",
    kind_sticker="Nice sticker 🙂 Ask me anything in words.",
    kind_other="I cannot read this kind of message yet. Text, rich text, images, files and merged forwards work.",
    file_read="📄 I have read “{name}”. Ask me about it (kept for this conversation only, until /new).",
    file_empty="“{name}” is empty, so there is nothing to read.",
    file_too_large="“{name}” is too large: I read up to {limit} MB.",
    file_unsupported="I cannot read the format of “{name}”. PDF, Word, PPT, Excel, Markdown, HTML and text work.",
    file_unreadable="“{name}” cannot be read: it may be damaged, encrypted, or far too large when unpacked.",
    file_gone="The file cannot be downloaded: it may be recalled, or the app lacks the permission.",
    image_no_reader="I got the image, but reading images is not switched on here. Please send me the words.",
    image_too_large="The image is too large (up to {limit}0,000 pixels and 10 MB). Please crop it.",
    image_unreadable="The image cannot be opened. Please send another one, or the words.",
    image_no_text="I found no words in the image. Please write your question.",
    image_text="🖼 Words in the image",
    image_question="The image says: {text}",
    forwarded_nothing="There is nothing in the forwarded messages that I can read.",
    forwarded_gone="The forwarded messages cannot be fetched: recalled, or the app lacks the permission.",
)


def texts(language: Language) -> Texts:
    """The wording of a language."""
    return ZH if language == "zh" else EN


def language_of(text: str, *, preferred: Literal["auto", "zh", "en"] = "auto") -> Language:
    """The language to answer in: the configured one, or that of the question."""
    if preferred != "auto":
        return preferred
    return "zh" if _CJK.search(text) or not re.search(r"[A-Za-z]", text) else "en"
