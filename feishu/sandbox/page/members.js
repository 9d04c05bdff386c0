// Who is in the group that is shown, where they work, and who joins or leaves it.
import { $, avatar, el, post } from './dom.js';
import { complain } from './sending.js';
import { chat, state } from './state.js';
import { word } from './words.js';

export function listenMembers() {
  $('open-members').addEventListener('click', () => { $('members').showModal(); drawMembers(); });
  $('members').querySelector('.close-panel').addEventListener('click', () => $('members').close());
}

export function drawMembers() {
  const here = chat();
  if (!$('members').open || here?.kind !== 'group') { $('members').close(); return; }
  $('members-title').textContent = word('membersOf', here.name);
  $('members-list').replaceChildren(...state.people.filter((person) => here.people.includes(person.open_id)).map((person) => row(here, person)), ...state.bots.map((bot) => botRow(here, bot)));
  const others = state.people.filter((person) => !here.people.includes(person.open_id));
  $('members-add').replaceChildren(...(others.length ? chooser(here, others) : [el('p', { class: 'panel-note', text: word('nobodyElse') })]));
}

/** A person as every panel names them: picture, name, where they work, whether they are from outside. */
export function personCell(person) {
  return el('span', { class: 'person' }, avatar(person.open_id, person.name), el('span', { class: 'person-name', text: person.name }),
    person.external ? el('span', { class: 'outside-tag', text: word('outside') }) : null,
    el('span', { class: 'person-where', text: person.works_at || word('colleague') }));
}

function row(here, person) {
  return el('li', { 'data-testid': `member-${person.open_id}` }, personCell(person), el('button', { type: 'button', class: 'quiet', 'data-testid': `remove-${person.open_id}`, text: word('remove'), onclick: () => change(here, 'remove', person.open_id) }));
}

function botRow(here, bot) {
  const isHere = here.bots.includes(bot.open_id);
  const act = () => post('/sandbox/chat-bots', { chat_id: here.chat_id, do: isHere ? 'remove' : 'add', app_id: bot.app_id, operator: state.me }).catch(complain);
  return el('li', { 'data-testid': `bot-${bot.app_id}` }, el('span', { class: `person${isHere ? '' : ' absent'}` }, avatar(bot.open_id, bot.name, true), el('span', { class: 'person-name', text: bot.name }), el('span', { class: 'bot-tag', text: word('bot') })), el('button', { type: 'button', class: 'quiet', 'data-testid': `move-${bot.app_id}`, text: word(isHere ? 'botHere' : 'botGone'), onclick: act }));
}

function chooser(here, others) {
  const select = el('select', { 'aria-label': word('addMember'), 'data-testid': 'members-choice' }, ...others.map((person) => el('option', { value: person.open_id, text: person.external ? `${person.name} · ${word('outside')}` : person.name })));
  return [select, el('button', { type: 'button', class: 'send', 'data-testid': 'members-add', text: word('add'), onclick: () => change(here, 'add', select.value) })];
}

const change = (here, what, person) => post('/sandbox/chat-members', { chat_id: here.chat_id, do: what, people: [person], operator: state.me }).catch(complain);
