// Short messages at the top of the page.
import { $, el } from './dom.js';

const MARKS = { success: '✓', error: '!', warning: '!', info: 'i' };

export function toast(type, text) {
  const kind = MARKS[type] ? type : 'info';
  const node = el('div', { class: `toast toast-${kind}`, 'data-testid': 'toast', 'data-type': kind }, el('span', { class: 'toast-mark', 'aria-hidden': 'true', text: MARKS[kind] }), el('span', { text }));
  $('toasts').append(node);
  setTimeout(() => node.remove(), 4000);
}
