// Documents and their rights: who may open one and why, with whom it is shared, its link, its lock.
import { $, el, post } from './dom.js';
import { opening } from './links.js';
import { personCell } from './members.js';
import { word } from './words.js';

const ICONS = { space: '📚', folder: '📁', docx: '📄', sheet: '📊', bitable: '🗂', file: '📎', shortcut: '↗' };
const MEMBERS = ['user', 'chat', 'department', 'group', 'wiki_space_member'];
const PERMS = ['view', 'edit', 'full_access'];
const LINKS = ['closed', 'tenant_readable', 'tenant_editable', 'partner_tenant_readable', 'partner_tenant_editable', 'anyone_readable', 'anyone_editable'];
const EXTERNAL = ['open', 'closed', 'allow_share_partner_tenant'];
let token = '';
let last = 0;
// Why the last change was refused. Toasts would lie behind the panel.
let trouble = '';

export function listenRights() {
  $('open-rights').addEventListener('click', () => { $('rights').showModal(); drawRights(); });
  $('rights').querySelector('.close-panel').addEventListener('click', () => $('rights').close());
}

export async function drawRights() {
  if (!$('rights').open) return;
  const mine = last += 1;
  try {
    const there = await get('/sandbox/organisation');
    const documents = there.documents.filter((each) => each.token);
    if (!documents.some((each) => each.token === token)) token = documents[0]?.token || '';
    const shown = token ? await get(`/sandbox/rights/${encodeURIComponent(token)}`) : null;
    // A later drawing may have been faster.
    if (mine !== last) return;
    $('rights-tree').replaceChildren(...there.documents.map(branch));
    const refusal = trouble ? [el('p', { class: 'notice', role: 'alert', 'data-testid': 'rights-trouble', text: trouble })] : [];
    $('rights-of').replaceChildren(...refusal, ...(shown ? panes(shown, there) : [el('p', { class: 'panel-note', text: word('noDocuments') })]));
  } catch (error) {
    $('rights-of').replaceChildren(el('p', { class: 'notice', role: 'alert', text: error.message }));
  }
}

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function branch(each) {
  const words = [el('span', { 'aria-hidden': 'true', text: ICONS[each.kind] || '📄' }), el('span', { class: 'tree-title', text: each.title }), each.locked ? el('span', { title: word('locked'), text: '🔒' }) : null];
  const depth = `depth-${Math.min(each.depth, 6)}`;
  if (!each.token) return el('li', { class: `tree-head ${depth}` }, ...words);
  return el('li', {}, el('button', { type: 'button', class: depth, 'aria-current': each.token === token ? 'true' : null, 'data-testid': `document-${each.token}`, onclick: () => { token = each.token; trouble = ''; drawRights(); } }, ...words));
}

function panes(shown, there) {
  const space = shown.space ? `${word('ofSpace', shown.space.name)} · ${word(shown.space.visibility === 'public' ? 'publicSpace' : 'privateSpace')}` : '';
  const above = shown.inherits.length && !shown.public.lock_switch ? word('inheritsFrom', shown.inherits.join(' › ')) : '';
  const label = shown.label ? `${word('label')} ${shown.label}` : '';
  const facts = [shown.owner ? `${word('owner')} ${shown.owner}` : '', space, above, label].filter(Boolean).join(' · ');
  return [
    el('div', { class: 'rights-head' }, el('h4', { text: shown.title }), shown.url ? el('a', { href: opening(shown.url), target: '_blank', rel: 'noopener noreferrer', 'data-testid': 'open-document', text: word('openDocument') }) : null),
    el('p', { class: 'panel-note', text: facts }),
    heading('whoMayOpen'), el('ul', { class: 'panel-list', 'data-testid': 'readers' }, ...shown.readers.map(reader)),
    heading('collaborators'), ...collaborators(shown), adding(shown, there),
    el('div', { class: 'settings' }, choice('linkShare', 'link', LINKS, shown.public.link_share_entity, 'link_share_entity'), choice('external', 'external', EXTERNAL, shown.public.external_access_entity, 'external_access_entity'), shown.space ? lock(shown) : null),
  ];
}

const heading = (key) => el('h5', { text: word(key) });

function reader(person) {
  const by = person.by ? nameOf(person.by) : '';
  const mark = el('span', { class: person.allowed ? 'yes' : 'no', role: 'img', 'aria-label': word(person.allowed ? 'allowed' : 'denied'), text: person.allowed ? '✓' : '✕' });
  return el('li', { 'data-testid': `reader-${person.open_id}`, 'data-allowed': String(person.allowed) }, mark, personCell(person), el('span', { class: 'why', text: word(`rule_${person.rule}`, by, person.where) }));
}

const nameOf = (member) => member.name || (member.id === '0' ? word('wholeCompany') : member.id);

function collaborators(shown) {
  if (!shown.members.length) return [el('p', { class: 'panel-note', text: word('noCollaborators') })];
  return [el('ul', { class: 'panel-list', 'data-testid': 'collaborators' }, ...shown.members.map((member) => el('li', { 'data-testid': `collaborator-${member.kind}-${member.id}` },
    el('span', { class: 'person' }, el('span', { class: 'kind-tag', text: word(`member_${member.kind}`) }), el('span', { class: 'person-name', text: nameOf(member) }), member.external ? el('span', { class: 'outside-tag', text: word('outside') }) : null),
    el('span', { class: 'why', text: [word(`perm_${member.perm}`), shown.space ? word(`perm_${member.perm_type}`) : ''].filter(Boolean).join(' · ') }),
    el('button', { type: 'button', class: 'quiet', 'data-testid': `revoke-${member.kind}-${member.id}`, text: word('remove'), onclick: () => change({ do: 'revoke', kind: member.kind, id: member.id }) }))))];
}

function adding(shown, there) {
  const groups = MEMBERS.filter((kind) => there[kind].length).map((kind) => el('optgroup', { label: word(`member_${kind}`) }, ...there[kind].map((each) => el('option', { value: `${kind}:${each.id}`, text: nameOf(each) + (each.external ? ` · ${word('outside')}` : '') }))));
  const whom = el('select', { 'aria-label': word('addCollaborator'), 'data-testid': 'grant-whom' }, ...groups);
  const perm = select('collaborators', PERMS.map((each) => [each, word(`perm_${each}`)]), 'view', 'grant-perm');
  const reach = shown.space ? select('rights', ['container', 'single_page'].map((each) => [each, word(`perm_${each}`)]), 'container', 'grant-reach') : null;
  const grant = () => {
    const [kind, ...id] = whom.value.split(':');
    return change({ do: 'grant', kind, id: id.join(':'), perm: perm.value, perm_type: reach ? reach.value : 'container' });
  };
  return el('div', { class: 'panel-add' }, whom, perm, reach, el('button', { type: 'button', class: 'send', 'data-testid': 'grant', text: word('add'), onclick: grant }));
}

function select(label, options, value, testId) {
  return el('select', { 'aria-label': word(label), 'data-testid': testId }, ...options.map(([each, text]) => el('option', { value: each, text, selected: each === value })));
}

function choice(label, prefix, options, value, setting) {
  const made = select(label, options.map((each) => [each, word(`${prefix}_${each}`)]), value, setting);
  made.addEventListener('change', () => change({ do: 'public', [setting]: made.value }));
  return el('label', {}, el('span', { text: word(label) }), made);
}

function lock(shown) {
  const box = el('input', { type: 'checkbox', 'data-testid': 'lock', checked: shown.public.lock_switch });
  box.addEventListener('change', () => change({ do: box.checked ? 'lock' : 'unlock' }));
  return el('label', { class: 'check' }, box, el('span', { text: word('locked') }));
}

/** One change of the document that is shown; the page hears of it as everybody does, and draws what came of it. */
function change(body) {
  trouble = '';
  return post('/sandbox/rights', { token, ...body }).catch((error) => { trouble = error.message; return drawRights(); });
}
