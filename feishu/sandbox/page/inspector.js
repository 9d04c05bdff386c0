// The right drawer: every event, callback and call, rule violations in red.
import { $, el, post } from './dom.js';
import { meaning, outcome } from './names.js';
import { toast } from './toasts.js';
import { word } from './words.js';

const FILTERS = ['all', 'event', 'callback', 'api', 'violation'];
const KEEP = 400;
let filter = 'all';
let entries = [];
let violations = 0;

export const lastId = () => (entries.length ? entries[entries.length - 1].id : 0);

export async function loadLog() {
  const fresh = await (await fetch(`/sandbox/log?last=${KEEP}`)).json();
  entries = fresh.entries;
  violations = fresh.violations;
  drawInspector();
}

export function drawInspector() {
  $('filters').replaceChildren(...FILTERS.map((name) => el('button', { type: 'button', role: 'radio', 'aria-checked': String(name === filter), 'data-testid': `filter-${name}`, text: word(name), onclick: () => { filter = name; drawInspector(); } })));
  $('luck-buttons').replaceChildren(...LUCK.map(([key, act]) => el('button', { type: 'button', 'data-testid': key, text: word(key), onclick: () => act().then(() => toast('info', word('luckDone')), (error) => toast('error', error.message)) })));
  const shown = entries.filter(wanted);
  $('log').replaceChildren(...(shown.length ? shown.map(line).reverse() : [el('li', { class: 'log-empty', text: word('empty') })]));
  count();
}

export function addEntry(entry) {
  if (entry.id <= lastId()) return;
  entries.push(entry);
  if (entries.length > KEEP) entries.shift();
  if (entry.kind === 'violation') { violations += 1; count(); }
  if (!wanted(entry)) return;
  $('log').querySelector('.log-empty')?.remove();
  $('log').prepend(line(entry));
  while ($('log').children.length > KEEP) $('log').lastElementChild.remove();
}

const wanted = (entry) => filter === 'all' || entry.kind === filter;

function count() {
  const badge = $('violation-count');
  badge.hidden = violations === 0;
  badge.textContent = violations;
}

function line(entry) {
  const time = new Date(entry.at * 1000);
  const stamp = `${time.toLocaleTimeString('zh-CN', { hour12: false })}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  const kind = { note: word('noteKind'), fault: word('fault') }[entry.kind] || word(entry.kind);
  const facts = [];
  if (entry.sequence !== null) facts.push(`${word('sequence')} ${entry.sequence}`);
  if (entry.detail?.attempt > 1) facts.push(`${word('attempt')}${entry.detail.attempt}`);
  if (['api', 'event', 'callback'].includes(entry.kind)) facts.push(`${Math.max(0, entry.seconds * 1000).toFixed(entry.seconds < 0.01 ? 1 : 0)} ms`);
  const node = el('li', { class: `entry k-${entry.kind}${entry.ok ? '' : ' bad'}`, 'data-testid': 'log-entry', 'data-kind': entry.kind, 'data-name': entry.name });
  const details = el('details', {}, el('summary', {},
    el('span', { class: 'entry-kind', text: kind }), el('span', { class: 'entry-name' }, el('code', { text: entry.name }), el('span', { class: 'entry-meaning', text: meaning(entry.name) })), el('time', { text: stamp }),
    el('span', { class: 'entry-outcome', text: outcome(entry.outcome) }), el('span', { class: 'entry-facts', text: facts.join(' · ') })));
  details.addEventListener('toggle', () => { if (details.open && details.children.length === 1) details.append(el('pre', { class: 'json', tabindex: '0', text: JSON.stringify(entry.detail, null, 2) })); });
  node.append(details);
  return node;
}

const fault = (body) => post('/sandbox/faults', body);
const LUCK = [
  ['luckRate', () => fault({ endpoint: 'card.content', code: 99991400, status: 429, msg: 'request trigger frequency limit', headers: { 'x-ogw-ratelimit-reset': '1' } })],
  ['luckError', () => fault({ endpoint: '*', times: 3, status: 502, html: '<html><body>502 Bad Gateway</body></html>' })],
  ['luckLost', () => fault({ endpoint: 'card.update', drop: true, applied: true })],
  ['luckToken', () => fault({ endpoint: '*', revoke_token: true })],
  ['luckClock', () => post('/sandbox/clock', { advance_s: 600 })],
  ['luckAgain', async () => {
    const last = entries.findLast((entry) => entry.kind === 'event' && entry.detail?.body?.header);
    if (last) await post('/sandbox/redeliver', { event_id: last.detail.body.header.event_id });
  }],
];
