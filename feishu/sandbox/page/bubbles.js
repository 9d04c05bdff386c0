// What a message shows besides cards: words, rich text, pictures, files, voices, stickers, forwards, reactions.
import { el } from './dom.js';
import { addressesIn, opening } from './links.js';
import { drawPost } from './rich.js';
import { nameOf } from './state.js';
import { word } from './words.js';

export const EMOJI = { THUMBSUP: '👍', ThumbsDown: '👎', DONE: '✅', HEART: '❤️', SMILE: '😄', THANKS: '🙏' };
export const STICKERS = { sticker_wave: '👋', sticker_party: '🥳', sticker_sleepy: '😴', sticker_coffee: '☕' };

export function parsed(message) {
  try { return JSON.parse(message.content) || {}; } catch { return {}; }
}

export function bubble(message) {
  const content = parsed(message);
  const key = content.image_key || content.file_key || '';
  const address = /^(img|file)_[\w-]+$/.test(key) ? `/sandbox/uploads/${key}` : '';
  switch (message.kind) {
    case 'image': return address ? el('img', { class: 'picture bubble-picture', src: address, alt: message.text }) : plain(message);
    case 'file': return el('a', { class: 'bubble file', href: address || null, download: content.file_name || '' }, `📄 ${content.file_name || message.text}`);
    case 'audio': return el('a', { class: 'bubble file voice', href: address || null, download: 'voice.wav' }, `🎤 ${Math.round((content.duration || 0) / 1000)}″`);
    case 'media': return el('div', { class: 'bubble' }, `🎬 ${content.file_name || message.text}`);
    case 'sticker': return el('div', { class: 'sticker', role: 'img', 'aria-label': message.text, text: STICKERS[key] || '🙂' });
    case 'post': return drawPost(content, nameOf);
    case 'merge_forward': return el('div', { class: 'bubble forward' }, el('strong', { text: word('chatRecord') }), ...message.forwarded.map((each) => el('div', { class: 'forward-line', text: `${each.name}: ${each.text}` })));
    default: return plain(message);
  }
}

/** Text with its mentions in blue and its addresses as links; always as text nodes. */
function plain(message) {
  const names = message.mentions.map((each) => `@${each.name}`).sort((a, b) => b.length - a.length);
  const parts = [];
  let rest = message.text;
  while (rest) {
    const next = names.map((name) => [rest.indexOf(name), name]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0])[0];
    if (!next) break;
    parts.push(...linked(rest.slice(0, next[0])), el('span', { class: 'at-name', text: next[1] }));
    rest = rest.slice(next[0] + next[1].length);
  }
  return el('div', { class: 'bubble' }, ...parts, ...linked(rest));
}

function linked(text) {
  const parts = [];
  let from = 0;
  for (const [at, address] of addressesIn(text)) {
    parts.push(text.slice(from, at), el('a', { href: opening(address), target: '_blank', rel: 'noopener noreferrer', text: address }));
    from = at + address.length;
  }
  return [...parts, text.slice(from)];
}

/** Reactions as chips: who, how many; pressing one adds or takes away one's own. */
export function chips(message, react) {
  const counts = new Map();
  for (const each of message.reactions) counts.set(each.reaction_type.emoji_type, [...(counts.get(each.reaction_type.emoji_type) || []), each.operator.operator_id]);
  return [...counts].map(([emoji, who]) => el('button', { type: 'button', class: 'reaction', 'data-testid': `reaction-${emoji}`, title: who.map(nameOf).join('、'), onclick: () => react(message, emoji) }, `${EMOJI[emoji] || emoji} ${who.length}`));
}
