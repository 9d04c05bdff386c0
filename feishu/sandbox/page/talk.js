// The middle: one conversation.
import { CardView } from './card.js';
import { $, avatar, clockTime, el, post } from './dom.js';
import { chat, inChat, nameOf, state, visible } from './state.js';
import { toast } from './toasts.js';
import { ui, word } from './words.js';

const cards = new Map();
const rows = new Map();
let following = true;

export function drawTalk(ask) {
  const here = chat();
  if (!here) return;
  $('chat-name').textContent = here.name;
  $('chat-members').textContent = here.kind === 'group' ? word('members', here.people.length, here.bots.length) : word('privateChat');
  $('hint-text').textContent = word('hint');
  $('examples').replaceChildren(...state.examples.slice(0, 3).map((question, index) => el('button', { type: 'button', class: 'example', 'data-testid': `example-${index}`, onclick: () => ask(question) }, el('span', { text: question }))));
  rows.clear();
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
    if (before) before.replaceWith(row); else $('messages').append(row);
    rows.set(message.message_id, row);
  }
  if (!before && message.sender.id === state.me) toBottom();
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
  if (message.card) {
    const view = cards.get(message.message_id) || new CardView(message.message_id, press);
    cards.set(message.message_id, view);
    view.update(message.card, message.streaming);
    return view.root;
  }
  if (message.kind === 'image') {
    const key = parsed(message).image_key;
    if (/^img_[\w-]+$/.test(key || '')) return el('img', { class: 'picture bubble-picture', src: `/sandbox/uploads/${key}`, alt: message.text });
  }
  if (message.kind === 'file') return el('div', { class: 'bubble', text: `📄 ${parsed(message).file_name || message.text}` });
  return el('div', { class: 'bubble' }, ...mentions(message));
}

function parsed(message) {
  try { return JSON.parse(message.content) || {}; } catch { return {}; }
}

/** Text with its mentions in blue; always as text nodes. */
function mentions(message) {
  const names = message.mentions.map((each) => `@${each.name}`).sort((a, b) => b.length - a.length);
  const parts = [];
  let rest = message.text;
  while (rest) {
    const next = names.map((name) => [rest.indexOf(name), name]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0])[0];
    if (!next) break;
    parts.push(rest.slice(0, next[0]), el('span', { class: 'at-name', text: next[1] }));
    rest = rest.slice(next[0] + next[1].length);
  }
  return [...parts, rest];
}

function under(message) {
  const notes = [];
  const here = chat();
  if (message.delivery && message.sender.id === state.me && here.kind === 'group') notes.push(el('span', { class: 'not-delivered', title: message.delivery, text: word('notDelivered') }));
  if (message.timed_out) notes.push(el('span', { class: 'timed-out', text: word('timedOut') }));
  if (message.edited) notes.push(el('span', { class: 'edited', text: word('edited') }));
  const counts = new Map();
  for (const each of message.reactions) counts.set(each.reaction_type.emoji_type, [...(counts.get(each.reaction_type.emoji_type) || []), each.operator.operator_id]);
  for (const [emoji, who] of counts) notes.push(el('button', { type: 'button', class: 'reaction', title: who.map(nameOf).join('、'), onclick: () => react(message, emoji) }, `${{ THUMBSUP: '👍', ThumbsDown: '👎', DONE: '✅', HEART: '❤️' }[emoji] || emoji} ${who.length}`));
  return el('div', { class: 'under' }, ...notes);
}

function actions(message, mine) {
  const reply = el('button', { type: 'button', title: word('replyTo'), 'aria-label': word('replyTo'), 'data-testid': 'reply', text: '↩', onclick: () => { state.replyTo = message.message_id; drawReplying(); $('input').focus(); } });
  const like = el('button', { type: 'button', title: word('reactTitle'), 'aria-label': word('reactTitle'), 'data-testid': 'react', text: '👍', onclick: () => react(message, 'THUMBSUP') });
  const recall = mine ? el('button', { type: 'button', title: word('recall'), 'aria-label': word('recall'), 'data-testid': 'recall', text: '⌫', onclick: () => post('/sandbox/recalls', { message_id: message.message_id, operator: state.me }).catch(complain) }) : null;
  return el('div', { class: 'actions' }, reply, like, recall);
}

function react(message, emoji) {
  const remove = message.reactions.some((each) => each.operator.operator_id === state.me && each.reaction_type.emoji_type === emoji);
  post('/sandbox/reactions', { message_id: message.message_id, operator: state.me, emoji, remove }).catch(complain);
}

export function drawReplying() {
  const parent = state.messages.get(state.replyTo);
  $('replying').hidden = !parent;
  $('replying-text').textContent = parent ? `${word('replyTo')} ${parent.sender.name}: ${(parent.text || parent.summary).slice(0, 60)}` : '';
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

const complain = (error) => toast('error', error.message);
