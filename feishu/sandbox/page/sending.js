// Everything a person can send or do besides typing: uploads, rich text, stickers, voices, forwards, edits.
import { STICKERS, parsed } from './bubbles.js';
import { $, el, post } from './dom.js';
import { toPost, toSource } from './rich.js';
import { myChats, state } from './state.js';
import { toast } from './toasts.js';
import { word } from './words.js';

const PICTURES = /^image\/(png|jpeg|gif|webp|bmp)$/;

/** Post a message of any kind into the open chat, below what is being replied to. */
async function send(message) {
  const body = { chat_id: state.chatId, sender: state.me, ...message };
  if (state.replyTo) Object.assign(body, { reply_to: state.replyTo, in_thread: state.inThread });
  setMode({});
  await post('/sandbox/messages', body);
}

const sendKind = (kind, content) => send({ kind, content: JSON.stringify(content) }).catch(complain);

/** What the composer does next: reply (in a topic), edit, write rich text, pick messages to forward. */
export function setMode({ replyTo = null, inThread = false, editing = null, rich = false, picking = null }) {
  Object.assign(state, { replyTo, inThread, editing, rich, picking });
  drawMode();
}

export function drawMode() {
  const parent = state.messages.get(state.replyTo);
  const about = (message) => `${message.sender.name}: ${(message.text || message.summary).slice(0, 60)}`;
  const said = state.picking ? word('picked', state.picking.size) : state.editing ? word('editing') : parent ? `${word(state.inThread ? 'replyInTopic' : 'replyTo')} ${about(parent)}` : state.rich ? word('richHint') : '';
  $('replying').hidden = !said;
  $('replying-text').textContent = said;
  $('rich-title').hidden = !state.rich;
  $('rich-title').placeholder = word('richTitle');
  $('forward-to').hidden = !state.picking;
  $('forward').hidden = !state.picking;
  if (state.picking) {
    const chosen = $('forward-to').value || myChats().find((each) => each.kind === 'p2p')?.chat_id;
    $('forward-to').replaceChildren(...myChats().map((each) => el('option', { value: each.chat_id, text: each.name, selected: each.chat_id === chosen })));
  }
  for (const row of document.querySelectorAll('.row')) row.classList.toggle('picked', !!state.picking?.has(row.dataset.messageId));
}

export function edit(message) {
  const isPost = message.kind === 'post';
  setMode({ editing: message.message_id, rich: isPost });
  $('rich-title').value = isPost ? parsed(message).title || '' : '';
  $('input').value = isPost ? toSource(parsed(message)) : message.text;
  $('input').focus();
}

/** Take a message into what will be forwarded, or out of it. */
export function pick(messageId) {
  const picking = new Set(state.picking || []);
  if (!picking.delete(messageId)) picking.add(messageId);
  setMode({ picking: picking.size ? picking : null });
}

/** Words from the composer: a text or a rich text, new or edited. */
export async function say(text) {
  if (!text.trim()) return;
  const { editing, rich } = state;
  const content = rich ? JSON.stringify(toPost($('rich-title').value.trim(), text)) : undefined;
  try {
    if (editing) {
      setMode({});
      await post('/sandbox/edits', { message_id: editing, operator: state.me, ...(rich ? { content } : { text }) });
    } else await send(rich ? { kind: 'post', content } : { text });
    $('rich-title').value = '';
  } catch (error) {
    complain(error);
    $('input').value = text;
  }
}

async function upload(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  const media_type = PICTURES.test(file.type) ? file.type : 'application/octet-stream';
  return (await post('/sandbox/uploads', { owner: state.me, name: file.name, content_base64: btoa(binary), media_type })).key;
}

async function attach(file) {
  try {
    const key = await upload(file);
    const isPicture = PICTURES.test(file.type);
    if (isPicture && state.rich) insertLine(`![](${key})`);
    else if (isPicture) await sendKind('image', { image_key: key });
    else if (file.type.startsWith('video/')) await sendKind('media', { file_key: key, image_key: '', file_name: file.name, duration: 1000 });
    else await sendKind('file', { file_key: key, file_name: file.name });
  } catch (error) {
    complain(error);
  }
}

function insertLine(line) {
  const input = $('input');
  input.value += `${input.value && !input.value.endsWith('\n') ? '\n' : ''}${line}\n`;
  input.dispatchEvent(new Event('input'));
  input.focus();
}

/** A second of a tone as a voice message: a real upload, like everything here. */
async function speakUp() {
  const rate = 8000;
  const sound = new DataView(new ArrayBuffer(44 + rate));
  const ascii = (at, text) => [...text].forEach((letter, index) => sound.setUint8(at + index, letter.charCodeAt(0)));
  const whole = (at, number) => sound.setUint32(at, number, true);
  ascii(0, 'RIFF'); whole(4, 36 + rate); ascii(8, 'WAVEfmt '); whole(16, 16); sound.setUint16(20, 1, true); sound.setUint16(22, 1, true);
  whole(24, rate); whole(28, rate); sound.setUint16(32, 1, true); sound.setUint16(34, 8, true); ascii(36, 'data'); whole(40, rate);
  for (let at = 0; at < rate; at += 1) sound.setUint8(44 + at, 128 + 60 * Math.sin((at * 2 * Math.PI * 440) / rate));
  try {
    await sendKind('audio', { file_key: await upload(new File([sound.buffer], 'voice.wav', { type: 'audio/wav' })), duration: 1000 });
  } catch (error) {
    complain(error);
  }
}

async function forward() {
  const message_ids = [...state.messages.keys()].filter((each) => state.picking?.has(each));
  const chat_id = $('forward-to').value;
  setMode({});
  try {
    await post('/sandbox/forwards', { chat_id, sender: state.me, message_ids });
    toast('success', word('forwarded', state.chats.find((each) => each.chat_id === chat_id)?.name));
  } catch (error) {
    complain(error);
  }
}

function showMore(shown) {
  $('more-menu').hidden = !shown;
  $('more').setAttribute('aria-expanded', String(shown));
}

const entry = (name, mark, act) => el('li', {}, el('button', { type: 'button', 'data-testid': `more-${name}`, onclick: () => { showMore(false); act(); } }, el('span', { 'aria-hidden': 'true', text: mark }), word(name)));

export function drawMore() {
  const stickers = Object.entries(STICKERS).map(([key, mark]) => el('button', { type: 'button', 'data-testid': key, 'aria-label': `${word('sticker')} ${mark}`, text: mark, onclick: () => { showMore(false); sendKind('sticker', { file_key: key }); } }));
  $('more-menu').replaceChildren(
    entry('attachFile', '📎', () => $('file').click()),
    entry('richText', '🅰', () => { setMode({ replyTo: state.replyTo, inThread: state.inThread, rich: !state.rich }); $('input').focus(); }),
    entry('voice', '🎤', speakUp),
    el('li', { class: 'stickers' }, ...stickers),
  );
}

function cancel() {
  if (state.editing) $('input').value = '';
  setMode({});
}

export function listenSending() {
  $('more').addEventListener('click', () => showMore($('more-menu').hidden));
  document.addEventListener('click', (event) => { if (!event.target.closest('#more, #more-menu')) showMore(false); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') { showMore(false); if (state.picking || state.editing) cancel(); } });
  $('file').addEventListener('change', () => { const [file] = $('file').files; $('file').value = ''; if (file) attach(file); });
  $('forward').addEventListener('click', forward);
  $('stop-replying').addEventListener('click', cancel);
}

export const complain = (error) => toast('error', `${word('failed')}: ${error.message}`);
