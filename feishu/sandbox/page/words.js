// Every word of the page, in two languages.
const WORDS = {
  zh: {
    messages: '消息', sandbox: '本地沙盒', iAm: '我是', inspector: '检查器', send: '发送', cancel: '取消', ok: '确定', close: '关闭',
    back: '返回', attachFile: '图片或文件', more: '更多', richText: '富文本', richTitle: '标题（可不填）', richHint: '富文本：**加粗** [链接](https://…) ```代码``` --- ，图片用 ＋ 插入', voice: '语音', sticker: '表情包', theme: '深色 / 浅色', replyTo: '回复', reply: '回复', replyInTopic: '在话题中回复', topic: '话题', react: '表情回复', edit: '编辑', editing: '编辑消息（平台不会把编辑告诉机器人）', forward: '转发', forwardTo: '转发到', forwarded: (name) => `已转发到「${name}」`, picked: (n) => `合并转发 ${n} 条：`, chatRecord: '聊天记录', recall: '撤回', recalled: '此消息已撤回',
    onlyYou: '仅你可见', edited: '已编辑', members: (n, bots) => `${n} 位成员 · ${bots} 个机器人`, privateChat: '与机器人的单聊', bot: '机器人',
    hint: '这是一个在你电脑上运行的飞书：问一个问题，机器人会用真实的平台协议流式回答；右侧检查器里是每一次事件与接口调用。点一个例子试试：',
    placeholderGroup: '发消息到群里，输入 @ 提到机器人', placeholderPrivate: '给机器人发消息', atBot: (name) => `@${name}`,
    note: 'Enter 发送 · Shift+Enter 换行', notDelivered: '没有 @机器人，平台不会推送给它', generating: '生成中', timedOut: '流式模式 10 分钟后被平台关闭',
    all: '全部', event: '事件', callback: '回调', api: '调用', violation: '违规', fault: '故障', noteKind: '提示', empty: '还没有记录。发一条消息看看。',
    luck: '试试坏运气', luckRate: '下一帧限流 (429)', luckError: '接口 5xx ×3', luckLost: '收尾更新丢确认', luckToken: '令牌失效', luckClock: '时间快进 10 分钟', luckAgain: '重发上一个事件', luckDone: '已安排',
    choose: '请选择', required: '请填写必填项', offline: '与沙盒的连接断开，正在重连…', undelivered: '这条消息没有送达机器人', noChats: '没有会话', failed: '发送失败',
    copied: '已复制', sequence: '序号', attempt: '第', clickError: { 200340: '应用未配置回调地址', 200341: '目标回调服务超时未响应', 200342: '目标回调服务无法连接', 200671: '目标回调服务返回了错误状态码', 200672: '目标回调服务返回的内容格式错误', 200673: '目标回调服务返回了错误的卡片', 200830: '卡片版本不能改变' },
    lawToast: '出错了', members2: '成员', you: '（我）', yesterday: '昨天', expand: '展开',
  },
  en: {
    messages: 'Messages', sandbox: 'Local sandbox', iAm: 'I am', inspector: 'Inspector', send: 'Send', cancel: 'Cancel', ok: 'OK', close: 'Close',
    back: 'Back', attachFile: 'Image or file', more: 'More', richText: 'Rich text', richTitle: 'Title (optional)', richHint: 'Rich text: **bold** [link](https://…) ```code``` ---, images by ＋', voice: 'Voice', sticker: 'Sticker', theme: 'Dark / light', replyTo: 'Reply to', reply: 'Reply', replyInTopic: 'Reply in topic', topic: 'Topic', react: 'React', edit: 'Edit', editing: 'Editing (the platform tells no bot of it)', forward: 'Forward', forwardTo: 'Forward to', forwarded: (name) => `Forwarded to “${name}”`, picked: (n) => `Forward ${n} merged:`, chatRecord: 'Chat record', recall: 'Recall', recalled: 'This message was recalled',
    onlyYou: 'Only visible to you', edited: 'edited', members: (n, bots) => `${n} members · ${bots} ${bots === 1 ? 'bot' : 'bots'}`, privateChat: 'Private chat with the bot', bot: 'Bot',
    hint: 'A Feishu that runs on your own machine: ask, and the bot streams its answer through the real platform protocol. The inspector on the right shows every event and API call. Try one:',
    placeholderGroup: 'Message the group; type @ to mention the bot', placeholderPrivate: 'Message the bot', atBot: (name) => `@${name}`,
    note: 'Enter sends · Shift+Enter breaks the line', notDelivered: 'The bot is not mentioned: the platform does not push this', generating: 'Generating', timedOut: 'Streaming was closed by the platform after 10 minutes',
    all: 'All', event: 'Events', callback: 'Callbacks', api: 'Calls', violation: 'Rule violations', fault: 'Fault', noteKind: 'Note', empty: 'Nothing yet. Send a message.',
    luck: 'Inject faults', luckRate: 'Rate-limit next frame (429)', luckError: 'API 5xx ×3', luckLost: 'Lose the final acknowledgement', luckToken: 'Revoke the token', luckClock: 'Advance 10 minutes', luckAgain: 'Redeliver last event', luckDone: 'Planned',
    choose: 'Choose', required: 'Please fill in the required fields', offline: 'Connection to the sandbox lost, reconnecting…', undelivered: 'Not delivered to the bot', noChats: 'No chats', failed: 'Not sent',
    copied: 'Copied', sequence: 'seq', attempt: '#', clickError: { 200340: 'No callback URL configured', 200341: 'The callback service did not answer in time', 200342: 'The callback service cannot be reached', 200671: 'The callback service returned an error status', 200672: 'The callback service returned a malformed body', 200673: 'The callback service returned a wrong card', 200830: 'The card version cannot change' },
    lawToast: 'Something went wrong', members2: 'members', you: ' (me)', yesterday: 'Yesterday', expand: 'Expand',
  },
};

export const ui = { language: localStorage.getItem('language') || (navigator.language.startsWith('zh') ? 'zh' : 'en') };
export const word = (key, ...values) => {
  const found = WORDS[ui.language][key];
  return typeof found === 'function' ? found(...values) : found;
};

/** Fill the page's fixed words. */
export function speak() {
  document.documentElement.lang = ui.language === 'zh' ? 'zh-CN' : 'en';
  for (const node of document.querySelectorAll('[data-word]')) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll('[data-word-title]')) {
    node.title = word(node.dataset.wordTitle);
    node.setAttribute('aria-label', node.title);
  }
}

/** The language's own version of a card text, when it has one. */
export function localised(text) {
  const locale = ui.language === 'zh' ? 'zh_cn' : 'en_us';
  return text?.i18n_content?.[locale] ?? text?.content ?? '';
}
