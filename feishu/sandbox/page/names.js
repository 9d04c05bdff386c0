// What the inspector's technical names mean, in words a newcomer understands.
import { ui } from './words.js';

const NAMES = {
  'im.message.receive_v1': ['收到消息', 'message received'], 'card.action.trigger': ['卡片点击', 'card pressed'], url_verification: ['校验地址', 'URL check'],
  'im.message.recalled_v1': ['消息撤回', 'message recalled'], 'im.message.reaction.created_v1': ['表情回复', 'reaction'], 'im.message.reaction.deleted_v1': ['取消表情', 'reaction removed'],
  'im.chat.member.user.added_v1': ['用户进群', 'joined the chat'], 'im.chat.member.user.deleted_v1': ['用户出群', 'left the chat'], 'im.chat.member.user.withdrawn_v1': ['撤销进群', 'invitation withdrawn'], 'im.chat.disbanded_v1': ['群解散', 'chat dissolved'], 'im.chat.member.bot.added_v1': ['机器人进群', 'bot joined'], 'im.chat.member.bot.deleted_v1': ['机器人出群', 'bot removed'],
  'contact.user.updated_v3': ['员工变更', 'person changed'], 'contact.user.deleted_v3': ['员工离职', 'person left'], 'contact.department.updated_v3': ['部门变更', 'department changed'], 'contact.department.deleted_v3': ['部门删除', 'department closed'], 'contact.scope.updated_v3': ['通讯录范围变更', 'contact range changed'],
  'drive.file.permission_member_added_v1': ['添加协作者', 'collaborator added'], 'drive.file.permission_member_removed_v1': ['移除协作者', 'collaborator removed'],
  'permission.members': ['协作者列表', 'collaborators'], 'permission.public': ['权限设置', 'public settings'], 'permission.auth': ['测权限', 'test a right'], 'wiki.space': ['知识库', 'wiki'], 'wiki.members': ['知识库成员', 'wiki members'], 'chat.list': ['机器人的群', 'chats of the bot'], 'chat.members': ['群成员', 'people in the chat'], 'user.get': ['查员工', 'person'], 'department.parent': ['上级部门', 'departments above'], 'group.member_belong': ['所属用户组', 'user groups'], 'contact.scopes': ['通讯录范围', 'contact range'],
  token: ['取令牌', 'get token'], 'bot.info': ['机器人信息', 'who am I'], 'scope.list': ['权限列表', 'scopes'], 'user.batch': ['查姓名', 'names'], 'chat.get': ['群信息', 'chat'],
  'message.create': ['发消息', 'send'], 'message.reply': ['回复消息', 'reply'], 'message.patch': ['更新卡片', 'patch card'], 'message.update': ['编辑消息', 'edit'], 'message.get': ['读消息', 'read'], 'message.delete': ['撤回消息', 'recall'], 'message.resource': ['下载附件', 'download'],
  'card.create': ['创建卡片', 'create card'], 'card.content': ['流式文本', 'stream text'], 'card.settings': ['卡片设置', 'settings'], 'card.update': ['全量更新', 'full update'], 'card.batch_update': ['批量更新', 'batch'],
  'element.create': ['加组件', 'add element'], 'element.update': ['换组件', 'replace element'], 'element.patch': ['改组件', 'change element'], 'element.delete': ['删组件', 'delete element'],
  'reaction.create': ['加表情', 'react'], 'ephemeral.send': ['仅他可见', 'ephemeral card'], delivery: ['投递判断', 'who hears it'], prefix_rewritten: ['文本不是续写', 'text rewritten'], stream_timeout: ['流式超时', 'stream timed out'],
  api_rate: ['接口频率超限', 'API rate'], card_rate: ['单卡频率超限', 'card rate'], chat_rate: ['群频率超限', 'chat rate'], person_rate: ['个人频率超限', 'person rate'], patch_rate: ['更新频率超限', 'patch rate'],
  sequence: ['序号没有递增', 'sequence not rising'], streaming_closed: ['流式模式已关闭', 'streaming is off'], streamed_element: ['不是文本组件', 'not a text element'], uuid: ['uuid 冲突', 'uuid conflict'],
  card_schema: ['卡片结构错误', 'card schema'], unknown_property: ['未知属性', 'unknown property'], gone_in_v2: ['2.0 不再支持', 'gone in 2.0'], card_bytes: ['卡片超过 30 KB', 'card over 30 KB'], card_elements: ['组件超过 200 个', 'over 200 elements'], card_depth: ['嵌套过深', 'nested too deep'], card_tables: ['表格过多', 'too many tables'], markdown_tables: ['表格过多', 'too many tables'], table_rows: ['表格列不符', 'table rows'], element_id: ['组件 ID 错误', 'element id'], element_tag: ['不能换组件类型', 'tag changed'],
  external_image: ['外链图片', 'external image'], image_key: ['图片未上传', 'image key'], unknown_mention: ['@ 了不存在的人', 'unknown mention'], at_all: ['不允许 @所有人', '@all not allowed'], form_names: ['表单缺少 name', 'form names'], update_multi: ['未开共享卡片', 'update_multi off'],
  entity: ['卡片实体不可用', 'card entity'], entity_sent_twice: ['卡片只能发一次', 'entity sent twice'], patched_entity: ['实体不能 PATCH', 'entity patched'], patch_kind: ['不是卡片', 'not a card'], not_sender: ['不是发送者', 'not the sender'], message_bytes: ['消息过长', 'message too long'], callback_card: ['回调卡片被拒', 'callback card refused'],
  parameters: ['参数错误', 'parameters'], scope: ['缺少权限', 'missing scope'], token_law: ['令牌错误', 'token'], credentials: ['应用凭证错误', 'credentials'], membership: ['不在群里', 'not in the chat'], receive_id: ['接收者无效', 'receiver'], message_id: ['消息 ID 无效', 'message id'],
};

// What became of an entry, where the journal says it in words; codes and statuses are the same in every language.
const OUTCOMES_ZH = [
  ['private chat', '单聊，会推送'], ['mentioned', '@ 了机器人，会推送'], ['an ephemeral card is nobody\'s event', '仅你可见的卡片不产生事件'], ['a bot never hears itself', '机器人收不到自己的消息'],
  [/^(.+) is not mentioned, and the app has no scope (\S+)$/, '没有 @$1，应用也没有权限 $2'], [/^the app has no scope (.+)$/, '应用没有权限 $1'],
  ['no webhook URL configured', '没有配置请求地址'], ['no callback URL configured', '没有配置回调地址'], [/^no answer within (.+) s$/, '$1 秒内没有应答'], [/^(HTTP \d+), challenge not returned$/, '$1，没有返回 challenge'],
  [/^error (\d+): no answer in time$/, '错误 $1：超时未应答'], [/^error (\d+): no connection \((.+)\)$/, '错误 $1：连接不上（$2）'], [/^error (\d+): no callback URL configured$/, '错误 $1：没有配置回调地址'], [/^error (\d+): the response body is not toast and\/or card$/, '错误 $1：返回内容不是 toast 或卡片'],
  ['injected fault', '注入的故障'], ['the platform has no event for edits', '平台没有编辑事件'],
];

/** An entry's outcome in the page's language; what is not known here stays as it is. */
export function outcome(text) {
  if (ui.language !== 'zh') return text;
  return text.split('; ').map((part) => {
    const found = OUTCOMES_ZH.find(([pattern]) => (typeof pattern === 'string' ? pattern === part : pattern.test(part)));
    return found ? part.replace(found[0], found[1]) : part;
  }).join('；');
}

/** The everyday name of an event, a call or a rule; '' when there is none. */
export const meaning = (name) => NAMES[name]?.[ui.language === 'zh' ? 0 : 1] ?? '';
