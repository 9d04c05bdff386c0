// Puts the page together: state in, drawings out, changes by server-sent events.
import { drawChats, drawMe } from './chats.js';
import { ask, drawComposer, listen } from './composer.js';
import { $ } from './dom.js';
import { addEntry, drawInspector, loadLog } from './inspector.js';
import { nameMembers } from './markdown.js';
import { drawMembers, listenMembers } from './members.js';
import { drawRights, listenRights } from './rights.js';
import { drawMode, listenSending, setMode } from './sending.js';
import { load, myChats, nameOf, state, visible } from './state.js';
import { drawMessage, drawTalk, follow } from './talk.js';
import { toast } from './toasts.js';
import { speak, ui, word } from './words.js';

let offline = false;
// Changes that arrive while the state is being fetched wait here: the snapshot may be older than they are.
let waiting = null;

function drawAll() {
  speak();
  $('language').textContent = ui.language === 'zh' ? 'EN' : '中';
  $('language').title = ui.language === 'zh' ? 'English' : '中文';
  drawMe(become);
  drawChats(open);
  drawTalk(ask);
  drawComposer();
  drawMode();
  drawInspector();
  drawMembers();
  drawRights();
}

function become(openId) {
  const kind = state.chats.find((each) => each.chat_id === state.chatId)?.kind;
  state.me = openId;
  setMode({});
  sessionStorage.setItem('me', openId);
  const mine = myChats();
  state.chatId = (mine.find((each) => each.chat_id === state.chatId) || mine.find((each) => each.kind === kind) || mine[0])?.chat_id || '';
  drawAll();
}

function open(chatId) {
  state.chatId = chatId;
  if (!state.picking) setMode({});
  state.unread.delete(chatId);
  document.body.classList.add('in-chat');
  drawAll();
  if (matchMedia('(min-width: 720px)').matches) $('input').focus();
}

function changed(change) {
  if (waiting) {
    waiting.push(change);
  } else if (change.type === 'message') {
    const { message } = change;
    const isNew = !state.messages.has(message.message_id);
    state.messages.set(message.message_id, message);
    if (isNew && message.chat_id !== state.chatId && visible(message)) state.unread.set(message.chat_id, (state.unread.get(message.chat_id) || 0) + 1);
    drawMessage(message);
    drawChats(open);
  } else if (change.type === 'log') {
    addEntry(change.entry);
  } else if (change.type === 'rights') {
    drawRights();
  } else if (change.type === 'hello' || change.type === 'reload') {
    reload();
  }
}

async function reload() {
  waiting = [];
  await load();
  await loadLog();
  offline = false;
  drawAll();
  const missed = waiting;
  waiting = null;
  missed.forEach(changed);
  document.body.dataset.ready = 'true';
}

function connect() {
  const source = new EventSource('/sandbox/stream');
  source.onmessage = (event) => changed(JSON.parse(event.data));
  source.onerror = () => {
    if (!offline && document.body.dataset.ready) toast('warning', word('offline'));
    offline = true;
  };
}

function toggleInspector(shown) {
  document.body.classList.toggle('inspecting', shown);
  $('inspector-toggle').setAttribute('aria-expanded', String(document.body.classList.contains('inspecting')));
}

state.me = sessionStorage.getItem('me') || '';
nameMembers(nameOf);
document.documentElement.dataset.theme = localStorage.getItem('theme') || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
toggleInspector(matchMedia('(min-width: 1080px)').matches);
speak();
listen();
listenSending();
listenMembers();
listenRights();
follow();
$('language').addEventListener('click', () => { ui.language = ui.language === 'zh' ? 'en' : 'zh'; localStorage.setItem('language', ui.language); drawAll(); });
$('theme').addEventListener('click', () => { const root = document.documentElement.dataset; root.theme = root.theme === 'dark' ? 'light' : 'dark'; localStorage.setItem('theme', root.theme); });
$('inspector-toggle').addEventListener('click', () => toggleInspector());
$('close-inspector').addEventListener('click', () => toggleInspector(false));
$('hint').hidden = localStorage.getItem('hint') === 'closed';
$('close-hint').addEventListener('click', () => { $('hint').hidden = true; localStorage.setItem('hint', 'closed'); $('input').focus(); });
$('back').addEventListener('click', () => document.body.classList.remove('in-chat'));
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && matchMedia('(max-width: 1079px)').matches) toggleInspector(false); });
connect();
