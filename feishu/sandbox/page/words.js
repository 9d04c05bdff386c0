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
    outside: '外部', people: '成员', membersOf: (name) => `「${name}」的成员`, addMember: '添加成员', add: '添加', remove: '移除', colleague: '根部门', botHere: '移出机器人', botGone: '加入机器人', nobodyElse: '没有其他人可添加',
    rights: '权限', rightsTitle: '文档与权限', noDocuments: '沙盒里还没有文档', openDocument: '打开', owner: '所有者', whoMayOpen: '谁能打开', collaborators: '协作者', noCollaborators: '没有单独的协作者', addCollaborator: '添加协作者', linkShare: '链接分享', external: '允许分享到组织外', locked: '限制权限（不再继承上级）', inheritsFrom: (titles) => `继承自：${titles}`, ofSpace: (name) => `知识库「${name}」`, publicSpace: '公开', privateSpace: '私有', label: '密级', wholeCompany: '全公司', denied: '不能打开', allowed: '能打开',
    member_user: '人员', member_chat: '群', member_department: '部门', member_group: '用户组', member_wiki_space_member: '知识库成员', member_wiki_space_viewer: '知识库可阅读成员', member_wiki_space_editor: '知识库可编辑成员',
    perm_view: '可阅读', perm_edit: '可编辑', perm_full_access: '可管理', perm_container: '含子页面', perm_single_page: '仅本页',
    link_closed: '关闭', link_tenant_readable: '组织内获得链接可阅读', link_tenant_editable: '组织内获得链接可编辑', link_partner_tenant_readable: '关联组织可阅读', link_partner_tenant_editable: '关联组织可编辑', link_anyone_readable: '互联网获得链接可阅读', link_anyone_editable: '互联网获得链接可编辑',
    external_open: '允许', external_closed: '不允许', external_allow_share_partner_tenant: '仅关联组织',
    rule_owner: '所有者', rule_member: (by) => `协作者：${by}`, rule_inherited: (by, where) => `继承自「${where}」：${by}`, rule_space_admin: (by, where) => `知识库「${where}」的管理员`, rule_space_member: (by, where) => `知识库「${where}」的成员：${by}`, rule_space_public: (by, where) => `公开知识库「${where}」`, rule_published: (by, where) => `知识库「${where}」已发布到互联网`, rule_link: '链接分享', rule_nothing: '没有权限', rule_outside: '不允许分享到组织外', rule_missing: '文档已不在', rule_resigned: '已离职',
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
    outside: 'External', people: 'People', membersOf: (name) => `People in “${name}”`, addMember: 'Add somebody', add: 'Add', remove: 'Remove', colleague: 'No department', botHere: 'Remove the bot', botGone: 'Add the bot', nobodyElse: 'Nobody else to add',
    rights: 'Rights', rightsTitle: 'Documents and rights', noDocuments: 'No documents in the sandbox yet', openDocument: 'Open', owner: 'Owner', whoMayOpen: 'Who may open it', collaborators: 'Collaborators', noCollaborators: 'No collaborators of its own', addCollaborator: 'Add a collaborator', linkShare: 'Link sharing', external: 'Sharing outside', locked: 'Restricted (inherits no longer)', inheritsFrom: (titles) => `Inherits from ${titles}`, ofSpace: (name) => `Wiki “${name}”`, publicSpace: 'public', privateSpace: 'private', label: 'Security label', wholeCompany: 'Whole company', denied: 'may not open it', allowed: 'may open it',
    member_user: 'Person', member_chat: 'Group', member_department: 'Department', member_group: 'User group', member_wiki_space_member: 'Wiki members', member_wiki_space_viewer: 'Wiki viewers', member_wiki_space_editor: 'Wiki editors',
    perm_view: 'can view', perm_edit: 'can edit', perm_full_access: 'can manage', perm_container: 'with pages below', perm_single_page: 'this page only',
    link_closed: 'Off', link_tenant_readable: 'Organisation can view', link_tenant_editable: 'Organisation can edit', link_partner_tenant_readable: 'Partners can view', link_partner_tenant_editable: 'Partners can edit', link_anyone_readable: 'Anyone can view', link_anyone_editable: 'Anyone can edit',
    external_open: 'Allowed', external_closed: 'Not allowed', external_allow_share_partner_tenant: 'Partners only',
    rule_owner: 'Owner', rule_member: (by) => `Collaborator: ${by}`, rule_inherited: (by, where) => `Inherited from “${where}”: ${by}`, rule_space_admin: (by, where) => `Admin of the wiki “${where}”`, rule_space_member: (by, where) => `Member of the wiki “${where}”: ${by}`, rule_space_public: (by, where) => `Public wiki “${where}”`, rule_published: (by, where) => `The wiki “${where}” is on the Internet`, rule_link: 'Link sharing', rule_nothing: 'No permission', rule_outside: 'May not leave the organisation', rule_missing: 'The document is gone', rule_resigned: 'Has resigned',
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
