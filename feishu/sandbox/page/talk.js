// The middle: one conversation.
import { EMOJI, bubble, chips } from './bubbles.js';
import { CardView } from './card.js';
import { $, avatar, clockTime, el, post } from './dom.js';
import { outcome } from './names.js';
import { complain, edit, pick, setMode } from './sending.js';
import { chat, inChat, state, visible } from './state.js';
import { toast } from './toasts.js';
import { ui, word } from './words.js';

const cards = new Map();
const rows = new Map();
const topics = new Map();
let following = true;

export function drawTalk(ask) {
  const here = chat();
  $('open-members').hidden = here?.kind !== 'group';
  if (!here) {
    $('chat-name').textContent = word('noChats');
    $('chat-members').textContent = '';
    $('messages').replaceChildren();
    return;
  }
  $('chat-name').textContent = here.name;
  $('chat-members').textContent = here.kind === 'group' ? word('members', here.people.length, here.bots.length) : word('privateChat');
  $('hint-text').textContent = word('hint');
  $('examples').replaceChildren(...(state.examples[ui.language] || []).slice(0, 3).map((question, index) => el('button', { type: 'button', class: 'example', 'data-testid': `example-${index}`, onclick: () => ask(question) }, el('span', { text: question }))));
  rows.clear();
  topics.clear();
  cards.clear();
  $('messages').replaceChildren();
  for (const message of inChat(here.chat_id)) drawMessage(message);
  toBottom();
}

export function drawMessage(message) {
  if (message.chat_id !== state.chatId || !visible(message)) return;
  const before = rows.get(message.message_id);
  if (before && message.card && !message.recalled && cards.has(message.message_id)) {
    cards.get(message.message_id).update(message.card, message.streaming);
    before.querySelector('.under').replaceWith(under(message));
  } else {
    const row = whole(message);
    if (before) before.replaceWith(row);
    rows.set(message.message_id, row);
  }
  const row = rows.get(message.message_id);
  settle(message, row);
  if (before || message.sender.id !== state.me) return;
  if (message.thread_id) row.scrollIntoView({ block: 'nearest' }); else toBottom();
}

/** Put a row where it belongs: into its topic, which stands where its first message stood, or at the end. */
function settle(message, row) {
  if (!message.thread_id) {
    if (!row.isConnected) $('messages').append(row);
    return;
  }
  if (!topics.has(message.thread_id)) {
    const root = message.root_id || message.message_id;
    const more = el('button', { type: 'button', class: 'topic-reply', 'data-testid': 'topic-reply', text: `🧵 ${word('replyInTopic')}`, onclick: () => { setMode({ replyTo: root, inThread: true }); $('input').focus(); } });
    const made = el('section', { class: 'topic', 'data-testid': 'topic', 'aria-label': word('topic') }, more);
    topics.set(message.thread_id, made);
    if (row.isConnected) row.replaceWith(made); else $('messages').append(made);
  }
  const section = topics.get(message.thread_id);
  if (row.parentElement !== section) section.lastElementChild.before(row);
}

export function toBottom() {
  following = true;
  $('messages').scrollTop = $('messages').scrollHeight;
}

/** Text that types on keeps the end in view, unless the reader has scrolled up. */
export function follow() {
  const box = $('messages');
  box.addEventListener('scroll', () => { following = box.scrollHeight - box.scrollTop - box.clientHeight < 80; });
  new MutationObserver(() => { if (following) box.scrollTop = box.scrollHeight; }).observe(box, { childList: true, subtree: true, characterData: true });
}

function whole(message) {
  const mine = message.sender.id === state.me;
  const isBot = message.sender.type === 'app';
  const time = el('time', { text: clockTime(message.created_at) });
  const who = el('div', { class: 'who' }, el('span', { text: message.sender.name }), isBot ? el('span', { class: 'bot-tag', text: word('bot') }) : null, message.visible_to ? el('span', { class: 'only-you', text: word('onlyYou') }) : null, time);
  return el('div', { class: `row${mine ? ' mine' : ''}${message.card ? ' has-card' : ''}`, 'data-testid': 'message', 'data-message-id': message.message_id },
    avatar(message.sender.id, message.sender.name, isBot),
    el('div', { class: 'said' }, who, quoted(message), content(message), under(message)),
    message.recalled ? null : actions(message, mine));
}

function quoted(message) {
  const parent = state.messages.get(message.parent_id);
  if (!parent) return null;
  return el('div', { class: 'quoted', text: `${word('replyTo')} ${parent.sender.name}: ${parent.recalled ? word('recalled') : (parent.text || parent.summary).slice(0, 80)}` });
}

function content(message) {
  if (message.recalled) return el('div', { class: 'recalled', text: word('recalled') });
  if (!message.card) return bubble(message);
  const view = cards.get(message.message_id) || new CardView(message.message_id, press);
  cards.set(message.message_id, view);
  view.update(message.card, message.streaming);
  return view.root;
}

function under(message) {
  const notes = [];
  const here = chat();
  if (message.delivery && message.sender.id === state.me && here.kind === 'group') notes.push(el('span', { class: 'not-delivered', title: outcome(message.delivery), text: word('notDelivered') }));
  if (message.timed_out) notes.push(el('span', { class: 'timed-out', text: word('timedOut') }));
  if (message.edited) notes.push(el('span', { class: 'edited', text: word('edited') }));
  notes.push(...chips(message, react));
  return el('div', { class: 'under' }, ...notes);
}

function actions(message, mine) {
  const tool = (name, text, act) => el('button', { type: 'button', title: word(name), 'aria-label': word(name), 'data-testid': name, text, onclick: act });
  const answer = (inThread) => { setMode({ replyTo: message.message_id, inThread }); $('input').focus(); };
  const isGroup = chat().kind === 'group';
  const emoji = Object.entries(EMOJI).slice(1).map(([type, mark]) => el('button', { type: 'button', 'aria-label': `${word('react')} ${mark}`, 'data-testid': `react-${type}`, text: mark, onclick: () => react(message, type) }));
  return el('div', { class: 'actions' },
    tool('reply', '↩\uFE0E', () => answer(!!message.thread_id)),
    isGroup && !message.thread_id ? tool('replyInTopic', '🧵', () => answer(true)) : null,
    el('span', { class: 'emoji' }, tool('react', '👍', () => react(message, 'THUMBSUP')), el('span', { class: 'emoji-more' }, ...emoji)),
    mine && ['text', 'post'].includes(message.kind) ? tool('edit', '✎', () => edit(message)) : null,
    tool('forward', '↪\uFE0E', () => pick(message.message_id)),
    mine ? tool('recall', '⌫', () => post('/sandbox/recalls', { message_id: message.message_id, operator: state.me }).catch(complain)) : null);
}

function react(message, emoji) {
  const remove = message.reactions.some((each) => each.operator.operator_id === state.me && each.reaction_type.emoji_type === emoji);
  post('/sandbox/reactions', { message_id: message.message_id, operator: state.me, emoji, remove }).catch(complain);
}

async function press(messageId, target, formValue, option) {
  if (target.confirm && !(await confirmed(target.confirm))) return;
  const body = { message_id: messageId, operator: state.me };
  if (target.element_id) body.element_id = target.element_id;
  else if (target.name) body.name = target.name;
  else body.value = target.behaviors.find((each) => each.type === 'callback').value;
  if (formValue) body.form_value = formValue;
  if (option !== undefined) body.option = option;
  try {
    const shown = await post('/sandbox/clicks', body);
    if (shown.error_code) toast('error', `${word('clickError')[shown.error_code] || word('lawToast')} code: ${shown.error_code}`);
    else if (shown.toast) toast(shown.toast.type, shown.toast.i18n?.[ui.language === 'zh' ? 'zh_cn' : 'en_us'] || shown.toast.content || '');
  } catch (error) {
    complain(error);
  }
}
press.warn = (text) => toast('warning', text);

function confirmed(confirm) {
  const dialog = $('confirm');
  $('confirm-title').textContent = confirm.title?.content || '';
  $('confirm-text').textContent = confirm.text?.content || '';
  dialog.returnValue = 'cancel';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'ok'), { once: true }));
}

