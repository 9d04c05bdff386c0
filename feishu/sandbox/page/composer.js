// The input box: Enter sends, @ offers members.
import { $, avatar, el } from './dom.js';
import { drawMore, say } from './sending.js';
import { botsOf, chat, state } from './state.js';
import { word } from './words.js';

let picked = 0;
let offered = [];

export function drawComposer() {
  const here = chat();
  const bot = here ? botsOf(here)[0] : null;
  $('input').placeholder = word(here?.kind === 'group' ? 'placeholderGroup' : 'placeholderPrivate');
  $('input').setAttribute('aria-label', $('input').placeholder);
  $('at').hidden = here?.kind !== 'group' || !bot;
  $('at').textContent = bot ? word('atBot', bot.name) : '';
  $('composer-note').textContent = word('note');
  drawMore();
}

/** Ask an example: in a group the bot has to be mentioned. */
export function ask(question) {
  const here = chat();
  // Enter would press the example once more; on a phone the keyboard stays down.
  if (matchMedia('(hover: hover)').matches) $('input').focus();
  return say(here.kind === 'group' ? `@${botsOf(here)[0]?.name} ${question}` : question);
}

function insert(text, replaceAt) {
  const input = $('input');
  const at = input.selectionStart;
  const from = replaceAt ? input.value.lastIndexOf('@', at - 1) : at;
  input.setRangeText(text, from, at, 'end');
  input.focus();
  grow();
}

function grow() {
  const input = $('input');
  input.rows = Math.min(8, input.value.split('\n').length);
}

function offer() {
  const input = $('input');
  const here = chat();
  const typed = /@([^\s@]*)$/.exec(input.value.slice(0, input.selectionStart));
  const members = here?.kind === 'group' ? [...botsOf(here).map((bot) => ({ ...bot, isBot: true })), ...state.people.filter((person) => person.open_id !== state.me)] : [];
  offered = typed ? members.filter((member) => member.name.toLowerCase().startsWith(typed[1].toLowerCase())) : [];
  picked = Math.min(picked, Math.max(0, offered.length - 1));
  const menu = $('mention-menu');
  menu.hidden = !offered.length;
  input.setAttribute('aria-expanded', String(!!offered.length));
  menu.replaceChildren(...offered.map((member, index) => el('li', { role: 'option', id: `mention-${index}`, 'aria-selected': String(index === picked), 'data-testid': `mention-${member.open_id}`, onmousedown: (event) => { event.preventDefault(); pick(index); } }, avatar(member.open_id, member.name, member.isBot), el('span', { text: member.name }))));
  if (offered.length) input.setAttribute('aria-activedescendant', `mention-${picked}`); else input.removeAttribute('aria-activedescendant');
}

function pick(index) {
  insert(`@${offered[index].name} `, true);
  picked = 0;
  offer();
}

function send() {
  const input = $('input');
  const text = input.value;
  input.value = '';
  grow();
  offer();
  say(text);
}

export function listen() {
  const input = $('input');
  input.addEventListener('input', () => { grow(); offer(); });
  input.addEventListener('blur', () => { $('mention-menu').hidden = true; });
  input.addEventListener('keydown', (event) => {
    if (offered.length && !$('mention-menu').hidden) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { picked = (picked + (event.key === 'ArrowDown' ? 1 : offered.length - 1)) % offered.length; event.preventDefault(); offer(); return; }
      if ((event.key === 'Enter' || event.key === 'Tab') && !event.isComposing) { event.preventDefault(); pick(picked); return; }
      if (event.key === 'Escape') { $('mention-menu').hidden = true; return; }
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && !state.rich) { event.preventDefault(); send(); }
  });
  $('composer').addEventListener('submit', (event) => { event.preventDefault(); send(); });
  $('at').addEventListener('click', () => { const bot = botsOf(chat())[0]; if (!input.value.includes(`@${bot.name}`)) insert(`@${bot.name} `, false); input.focus(); });
}
