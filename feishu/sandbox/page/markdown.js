// The markdown dialect of Feishu cards: CommonMark without HTML, plus a few tags. Whatever comes out passes DOMPurify.
import { withOpenings } from './links.js';
import { chineseEmphasis } from './shared/emphasis.js';

const COLOURS = new Set(['blue', 'wathet', 'turquoise', 'green', 'yellow', 'lime', 'orange', 'red', 'carmine', 'violet', 'purple', 'indigo', 'grey', 'neutral', 'default']);
const EMOJI = { DONE: '✅', OK: '👌', THUMBSUP: '👍', SMILE: '😊', HEART: '❤️', CrossMark: '❌', Fire: '🔥', PARTY: '🎉', THINKING: '🤔' };
const TAG = /^<(\/?)(font|at|text_tag|link|person|number_tag|local_datetime|raw|a|br|hr)((?:\s+[a-z_]+\s*=\s*(?:'[^']*'|"[^"]*"|[^\s'">]+))*)\s*\/?>/i;
const ATTRIBUTE = /([a-z_]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s'">]+))/gi;
const CLEAN = {
  ALLOWED_TAGS: ['a', 'blockquote', 'br', 'code', 'del', 's', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'img', 'li', 'ol', 'p', 'pre', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul', 'div'],
  ALLOWED_ATTR: ['alt', 'class', 'href', 'rel', 'src', 'start', 'target', 'title'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|\/sandbox\/uploads\/)/i,
  ADD_URI_SAFE_ATTR: ['rel', 'start', 'target'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
let nameOf = (id) => id;
let machine;

export function nameMembers(lookup) { nameOf = lookup; }

function colour(name) {
  const plain = String(name || '').toLowerCase().replace(/-\d+$/, '');
  return COLOURS.has(plain) ? plain : 'default';
}

function attributes(text) {
  return Object.fromEntries([...text.matchAll(ATTRIBUTE)].map((m) => [m[1].toLowerCase(), m[2] ?? m[3] ?? m[4] ?? '']));
}

function opened(name, given, escape) {
  switch (name) {
    case 'font': return `<span class="f-${colour(given.color)}">`;
    case 'text_tag': return `<span class="tag t-${colour(given.color || 'neutral')}">`;
    case 'number_tag': return '<span class="number-tag">';
    case 'at': return `<span class="at-name">@${escape(String(given.id || given.ids || given.email || '').split(',').map((id) => (id === 'all' ? '所有人' : nameOf(id))).join(' @'))}</span>`;
    case 'person': return `<span class="at-name">${escape(nameOf(given.id || ''))}</span>`;
    case 'local_datetime': return `<span>${escape(new Date(Number(given.millisecond)).toLocaleString())}</span>`;
    case 'a': case 'link': return /^https?:\/\//i.test(given.href || given.url || '') ? `<a href="${escape(given.href || given.url)}" target="_blank" rel="noopener noreferrer">` : '<span>';
    case 'br': return '<br>';
    case 'hr': return '<hr>';
    default: return '';
  }
}

function feishuTag(state, silent) {
  if (state.src.charCodeAt(state.pos) !== 0x3c) return false;
  const found = TAG.exec(state.src.slice(state.pos, state.pos + 2000));
  if (!found) return false;
  if (!silent) {
    const name = found[2].toLowerCase();
    const token = state.push('html_inline', '', 0);
    if (found[1]) token.content = name === 'a' || name === 'link' ? '</a>' : ['font', 'text_tag', 'number_tag'].includes(name) ? '</span>' : '';
    else token.content = opened(name, attributes(found[3]), state.md.utils.escapeHtml);
  }
  state.pos += found[0].length;
  return true;
}

function emojiCode(state, silent) {
  if (state.src.charCodeAt(state.pos) !== 0x3a) return false;
  const found = /^:([A-Za-z]+):/.exec(state.src.slice(state.pos, state.pos + 24));
  if (!found || !EMOJI[found[1]]) return false;
  if (!silent) state.push('text', '', 0).content = EMOJI[found[1]];
  state.pos += found[0].length;
  return true;
}

function build() {
  const md = globalThis.markdownit({ html: false, linkify: false, breaks: true }).use(chineseEmphasis);
  md.inline.ruler.before('autolink', 'feishu_tag', feishuTag);
  md.inline.ruler.before('emphasis', 'emoji_code', emojiCode);
  md.renderer.rules.image = (tokens, index) => {
    const source = tokens[index].attrGet('src') || '';
    const alt = md.utils.escapeHtml(tokens[index].content);
    return /^img_[\w-]+$/.test(source) ? `<img src="/sandbox/uploads/${source}" alt="${alt}">` : `<span class="no-image">🖼 ${alt}</span>`;
  };
  const link = (tokens, index, options, env, self) => {
    tokens[index].attrSet('target', '_blank');
    tokens[index].attrSet('rel', 'noopener noreferrer');
    return self.renderToken(tokens, index, options);
  };
  md.renderer.rules.link_open = link;
  for (const cell of ['th_open', 'td_open']) {
    md.renderer.rules[cell] = (tokens, index, options, env, self) => {
      const align = /text-align:(\w+)/.exec(tokens[index].attrGet('style') || '');
      tokens[index].attrs = align ? [['class', `align-${align[1]}`]] : null;
      return self.renderToken(tokens, index, options);
    };
  }
  md.renderer.rules.table_open = () => '<div class="table-scroll"><table>';
  md.renderer.rules.table_close = () => '</table></div>';
  return md;
}

/** Card markdown as a sanitised fragment. */
export function markdown(text) {
  machine ??= build();
  return withOpenings(globalThis.DOMPurify.sanitize(machine.render(String(text)), CLEAN));
}

/** The inline subset (lark_md). */
export function larkMarkdown(text) {
  machine ??= build();
  return withOpenings(globalThis.DOMPurify.sanitize(machine.renderInline(String(text)), CLEAN));
}
