// Rich text: written as a little Markdown, sent and drawn as the platform's post nodes.
import { el } from './dom.js';
import { opening } from './links.js';

const INLINE = /\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;
const PICTURE = /^!\[[^\]]*\]\((img_[\w-]+)\)$/;

/** The content of a post: title, and paragraphs of nodes. */
export function toPost(title, source) {
  const content = [];
  let code = null;
  for (const line of source.split('\n')) {
    const fence = /^```(\w*)$/.exec(line.trim());
    if (code) {
      if (fence) { content.push([code]); code = null; } else code.text += `${line}\n`;
    } else if (fence) code = { tag: 'code_block', language: fence[1].toUpperCase() || 'PLAIN_TEXT', text: '' };
    else if (PICTURE.test(line.trim())) content.push([{ tag: 'img', image_key: PICTURE.exec(line.trim())[1] }]);
    else if (line.trim() === '---') content.push([{ tag: 'hr' }]);
    else content.push(nodes(line));
  }
  if (code) content.push([code]);
  return { title, content };
}

function nodes(line) {
  const found = [];
  let from = 0;
  for (const match of line.matchAll(INLINE)) {
    if (match.index > from) found.push({ tag: 'text', text: line.slice(from, match.index) });
    found.push(match[1] ? { tag: 'text', text: match[1], style: ['bold'] } : { tag: 'a', text: match[2], href: match[3] });
    from = match.index + match[0].length;
  }
  if (from < line.length || !found.length) found.push({ tag: 'text', text: line.slice(from) });
  return found;
}

/** What was written, from a post's content: for editing. */
export function toSource(post) {
  const written = (node) => ({
    a: () => `[${node.text}](${node.href})`, at: () => `@${node.user_name}`, img: () => `![](${node.image_key})`, hr: () => '---',
    code_block: () => `\`\`\`${(node.language || '').toLowerCase()}\n${(node.text || '').trimEnd()}\n\`\`\``,
  }[node.tag] || (() => (node.style?.includes('bold') ? `**${node.text}**` : node.text || '')))();
  return (post.content || []).map((paragraph) => paragraph.map(written).join('')).join('\n');
}

/** A received post as elements; text only ever as text nodes. */
export function drawPost(post, nameOf) {
  const inner = Array.isArray(post.content) ? post : Object.values(post).find((each) => Array.isArray(each?.content)) || {};
  const paragraphs = (inner.content || []).map((paragraph) => el('div', { class: 'post-line' }, ...(Array.isArray(paragraph) ? paragraph : [paragraph]).map((node) => drawNode(node || {}, nameOf))));
  return el('div', { class: 'bubble post' }, inner.title ? el('strong', { class: 'post-title', text: inner.title }) : null, ...paragraphs);
}

function drawNode(node, nameOf) {
  const text = typeof node.text === 'string' ? node.text : '';
  switch (node.tag) {
    case 'a': return /^https?:/.test(node.href || '') ? el('a', { href: opening(node.href), target: '_blank', rel: 'noopener noreferrer', text: text || node.href }) : el('span', { text });
    case 'at': return el('span', { class: 'at-name', text: `@${node.user_name || nameOf(node.user_id)}` });
    case 'img': return /^img_[\w-]+$/.test(node.image_key || '') ? el('img', { class: 'picture bubble-picture', src: `/sandbox/uploads/${node.image_key}`, alt: '' }) : el('span');
    case 'code_block': return el('pre', { class: 'post-code' }, el('code', { text }));
    case 'hr': return el('hr');
    case 'emotion': return el('span', { text: `[${node.emoji_type || ''}]` });
    default: return el(node.style?.includes('bold') ? 'b' : 'span', { text });
  }
}
