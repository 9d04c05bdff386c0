// A card 2.0 as a person sees it.
import { el } from './dom.js';
import { opening } from './links.js';
import { larkMarkdown, markdown } from './markdown.js';
import { Typewriter } from './typewriter.js';
import { localised, word } from './words.js';

const WORD = /^[a-z_]+$/;
const named = (prefix, value, fallback) => `${prefix}-${WORD.test(value || '') ? value : fallback}`;
const ICONS = { chat: '💬', search: '🔍', time: '⏱️', done: '✅', yes: '✅', error: '⚠️', warning: '⚠️', robot: '🤖', doc: '📄', book: '📚', like: '👍', file: '📄', info: 'ℹ️', bell: '🔔' };

/** A card on the page; `update` keeps typed text, open panels and form values. */
export class CardView {
  constructor(messageId, press) {
    this.messageId = messageId;
    this.press = press;
    this.root = el('article', { class: 'card', 'data-testid': 'card' });
    this.writers = new Map();
    this.open = new Map();
    this.values = new Map();
    this.skeleton = '';
  }

  update(card, streaming) {
    this.streaming = streaming;
    this.config = card.config?.streaming_config || {};
    const texts = new Map();
    const skeleton = JSON.stringify(card, function keep(key, value) {
      if (key === 'content' && this.element_id && (this.tag === 'markdown' || this.tag === 'plain_text')) {
        texts.set(this.element_id, value);
        return '';
      }
      return key === 'config' ? undefined : value;
    }) + word('send');
    this.root.classList.toggle('streaming', streaming);
    if (skeleton !== this.skeleton) {
      this.skeleton = skeleton;
      this.kept = this.writers;
      this.writers = new Map();
      this.root.className = `card ${named('w', card.config?.width_mode, 'default')}${streaming ? ' streaming' : ''}`;
      this.root.replaceChildren(...this.whole(card));
      for (const writer of this.kept.values()) writer.stop();
    } else {
      for (const [id, text] of texts) this.writers.get(id)?.push(text, streaming, this.config);
    }
  }

  whole(card) {
    const parts = [];
    if (card.header) parts.push(this.header(card.header));
    const elements = card.body?.elements || card.elements || [];
    const body = el('div', { class: 'card-body' }, ...elements.map((each) => this.element(each)));
    parts.push(body);
    return parts;
  }

  header(header) {
    const tags = (header.text_tag_list || []).map((tag) => el('span', { class: `tag ${named('t', tag.color, 'neutral')}` }, this.text(tag.text)));
    const title = el('div', { class: 'card-title' }, this.icon(header.icon), this.text(header.title), ...tags);
    const subtitle = header.subtitle ? el('div', { class: 'card-subtitle' }, this.text(header.subtitle)) : null;
    return el('header', { class: `card-header ${named('h', header.template, 'default')}` }, title, subtitle);
  }

  icon(icon) {
    if (!icon) return null;
    const key = Object.keys(ICONS).find((name) => String(icon.token || '').startsWith(name));
    return key ? el('span', { class: 'icon', 'aria-hidden': 'true', text: ICONS[key] }) : null;
  }

  text(text) {
    const span = el('span', { class: `text ${named('s', text?.text_size, 'normal')} ${named('f', text?.text_color, 'inherit')}` });
    if (text?.element_id) this.type(span, text, false);
    else if (text?.tag === 'lark_md' || text?.tag === 'markdown') span.append(larkMarkdown(localised(text)));
    else span.textContent = localised(text);
    return span;
  }

  /** A text that may be streamed: it goes through its typewriter. */
  type(node, element, rich) {
    const writer = new Typewriter((text, typing) => {
      if (rich) node.replaceChildren(markdown(text));
      else node.textContent = text;
      node.classList.toggle('typing', typing);
    });
    const before = this.kept?.get(element.element_id);
    if (before) { writer.target = before.target; writer.shown = before.shown; }
    writer.push(localised(element), this.streaming, this.config);
    this.writers.set(element.element_id, writer);
  }

  element(element) {
    const make = {
      markdown: () => this.markdown(element),
      div: () => el('div', { class: 'div' }, this.icon(element.icon), element.text ? this.text(element.text) : null),
      hr: () => el('hr'),
      img: () => el('img', { class: 'picture', src: `/sandbox/uploads/${encodeURIComponent(element.img_key || '')}`, alt: localised(element.alt) }),
      column_set: () => el('div', { class: `columns ${named('x', element.flex_mode, 'none')}` }, ...(element.columns || []).map((column) => this.column(column))),
      button: () => this.button(element),
      collapsible_panel: () => this.panel(element),
      form: () => this.form(element),
      input: () => this.input(element),
      select_static: () => this.select(element, false),
      multi_select_static: () => this.select(element, true),
      table: () => this.table(element),
      interactive_container: () => this.container(element),
    }[element?.tag];
    const node = make ? make() : el('div', { class: 'unknown', text: `[${element?.tag}]` });
    if (element?.element_id) node.dataset.elementId = element.element_id;
    return node;
  }

  markdown(element) {
    const node = el('div', { class: `markdown ${named('s', element.text_size, 'normal')} ${named('align', element.text_align, 'left')}` });
    if (element.element_id) this.type(node, element, true);
    else node.append(markdown(localised(element)));
    return node;
  }

  column(column) {
    const node = el('div', { class: `column ${named('cw', column.width, 'auto')} ${named('va', column.vertical_align, 'top')}` }, ...(column.elements || []).map((each) => this.element(each)));
    if (column.width === 'weighted') node.style.flexGrow = String(Number(column.weight) || 1);
    return node;
  }

  button(button) {
    const label = localised(button.text);
    const node = el('button', {
      type: 'button', class: `card-button ${named('b', button.type, 'default')} ${named('z', button.size, 'medium')} ${named('cw', button.width, 'default')}`,
      disabled: button.disabled === true, title: localised(button.disabled === true ? button.disabled_tips : button.hover_tips) || null,
      'data-testid': `button-${button.element_id || button.name || label}`, text: label,
      onclick: () => this.act(button, node),
    });
    return node;
  }

  async act(target, node) {
    const form = node.closest('.card-form');
    if (target.form_action_type === 'reset' && form) return this.reset(form);
    const link = (target.behaviors || []).find((each) => each.type === 'open_url');
    if (link && /^https?:\/\//i.test(link.default_url || link.pc_url || '')) window.open(opening(link.default_url || link.pc_url), '_blank', 'noopener');
    const calls = (target.behaviors || []).some((each) => each.type === 'callback') || target.form_action_type === 'submit';
    if (!calls) return undefined;
    const formValue = target.form_action_type === 'submit' && form ? this.formValue(form) : undefined;
    if (formValue === null) return undefined;
    node.classList.add('waiting');
    try {
      await this.press(this.messageId, target, formValue);
    } finally {
      node.classList.remove('waiting');
    }
    return undefined;
  }

  panel(panel) {
    const key = panel.element_id || localised(panel.header?.title);
    const node = el('details', { class: `panel ${named('bd', panel.border?.color, 'grey')}`, 'data-testid': 'panel' },
      el('summary', {}, el('span', { class: 'panel-title' }, this.text(panel.header?.title)), el('span', { class: 'panel-arrow', 'aria-hidden': 'true', text: '⌄' })),
      el('div', { class: 'panel-body' }, ...(panel.elements || []).map((each) => this.element(each))));
    node.open = this.open.get(key) ?? panel.expanded === true;
    node.addEventListener('toggle', () => this.open.set(key, node.open));
    return node;
  }

  form(form) {
    return el('div', { class: 'card-form', role: 'form', 'data-form': form.name, 'data-testid': `form-${form.name}` }, ...(form.elements || []).map((each) => this.element(each)));
  }

  input(input) {
    const many = input.input_type === 'multiline_text';
    const node = el(many ? 'textarea' : 'input', {
      class: 'card-input', name: input.name, rows: many ? input.rows || 3 : null, type: many ? null : input.input_type === 'password' ? 'password' : 'text',
      maxlength: input.max_length, placeholder: localised(input.placeholder) || null, required: input.required === true, disabled: input.disabled === true,
      'aria-label': localised(input.label) || localised(input.placeholder) || input.name, 'data-testid': `input-${input.name}`,
    });
    node.value = this.values.get(input.name) ?? input.default_value ?? '';
    node.addEventListener('input', () => this.values.set(input.name, node.value));
    return input.label ? el('label', { class: 'labelled' }, el('span', { text: localised(input.label) }), node) : node;
  }

  select(select, many) {
    const node = el('select', { class: 'card-input', name: select.name, multiple: many, required: select.required === true, disabled: select.disabled === true, 'aria-label': localised(select.placeholder) || select.name, 'data-testid': `select-${select.name || select.element_id}` },
      many ? null : el('option', { value: '', text: localised(select.placeholder) || word('choose') }),
      ...(select.options || []).map((option) => el('option', { value: option.value, text: localised(option.text) })));
    const first = this.values.get(select.name) ?? select.initial_option ?? select.options?.[(select.initial_index || 0) - 1]?.value;
    if (first !== undefined) node.value = first;
    node.addEventListener('change', () => {
      this.values.set(select.name, node.value);
      if (!node.closest('.card-form') && (select.behaviors || []).length) this.press(this.messageId, select, undefined, node.value);
    });
    return node;
  }

  /** The values of a form; null (with the first field focused) while a required one is empty. */
  formValue(form) {
    const value = {};
    for (const field of form.querySelectorAll('input,textarea,select')) {
      if (field.required && !field.value) { field.focus(); field.classList.add('missing'); this.press.warn(word('required')); return null; }
      field.classList.remove('missing');
      value[field.name] = field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value;
    }
    return value;
  }

  reset(form) {
    for (const field of form.querySelectorAll('input,textarea,select')) { field.value = ''; this.values.delete(field.name); }
  }

  table(table) {
    const cell = (column, row) => {
      const value = row[column.name];
      const node = el('td');
      if (column.data_type === 'markdown' || column.data_type === 'lark_md') node.append(markdown(value ?? ''));
      else node.textContent = Array.isArray(value) ? value.map((each) => each?.text ?? each).join(' ') : String(value ?? '');
      return node;
    };
    const head = el('tr', {}, ...table.columns.map((column) => el('th', { text: column.display_name ?? column.name })));
    const rows = table.rows.slice(0, table.page_size || 5).map((row) => el('tr', {}, ...table.columns.map((column) => cell(column, row))));
    return el('div', { class: 'markdown' }, el('div', { class: 'table-scroll' }, el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows))));
  }

  container(container) {
    const acts = (container.behaviors || []).length > 0;
    const node = el('div', { class: `container${container.has_border ? ' bordered' : ''}`, role: acts ? 'button' : null, tabindex: acts ? '0' : null }, ...(container.elements || []).map((each) => this.element(each)));
    if (acts) {
      node.addEventListener('click', () => this.act(container, node));
      node.addEventListener('keydown', (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); this.act(container, node); } });
    }
    return node;
  }
}
