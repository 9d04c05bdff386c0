// The left side: who I am and my conversations.
import { $, avatar, clockTime, el } from './dom.js';
import { botsOf, inChat, myChats, state } from './state.js';
import { word } from './words.js';

export function drawMe(choose) {
  $('me').replaceChildren(...state.people.map((person) => el('button', {
    type: 'button', role: 'radio', 'aria-checked': String(person.open_id === state.me), 'data-testid': `me-${person.open_id}`, class: 'me-option', title: person.works_at || null,
    onclick: () => choose(person.open_id),
  }, avatar(person.open_id, person.name), el('span', { text: person.name }), person.external ? el('span', { class: 'outside-tag', text: word('outside') }) : null)));
  const me = state.people.find((person) => person.open_id === state.me);
  $('rail-me').replaceChildren(avatar(me.open_id, me.name));
}

export function drawChats(open) {
  $('chats').replaceChildren(...myChats().map((each) => el('li', {}, row(each, open))));
}

function row(each, open) {
  const messages = inChat(each.chat_id);
  const last = messages[messages.length - 1];
  const streaming = messages.some((message) => message.streaming);
  const unread = state.unread.get(each.chat_id) || 0;
  const bot = each.kind === 'p2p' ? botsOf(each)[0] : null;
  return el('button', { type: 'button', class: `chat${each.chat_id === state.chatId ? ' current' : ''}`, 'aria-current': each.chat_id === state.chatId ? 'true' : null, 'data-testid': `chat-${each.chat_id}`, onclick: () => open(each.chat_id) },
    avatar(each.chat_id, each.name, each.kind === 'p2p'),
    el('span', { class: 'chat-main' },
      el('span', { class: 'chat-line' }, el('span', { class: 'chat-title', text: each.name }), bot ? el('span', { class: 'bot-tag', text: word('bot') }) : null, each.external ? el('span', { class: 'outside-tag', text: word('outside') }) : null, el('time', { text: last ? clockTime(last.created_at) : '' })),
      el('span', { class: 'chat-line' }, el('span', { class: `preview${streaming ? ' generating' : ''}`, 'data-testid': `preview-${each.chat_id}`, text: last ? preview(each, last) : '' }), unread ? el('b', { class: 'unread', text: unread > 99 ? '99+' : unread }) : null)));
}

function preview(each, message) {
  const text = message.recalled ? word('recalled') : message.summary.replace(/\s+/g, ' ').slice(0, 80);
  return each.kind === 'group' && !message.recalled ? `${message.sender.name}: ${text}` : text;
}
