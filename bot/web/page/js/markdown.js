/** Markdown of a model, made safe: markdown-it without raw HTML, then DOMPurify, then our own citation buttons. */

import { chineseDialect } from "./dialect.js";
import { el } from "./dom.js";
import { otherHost, visible, webAddress } from "./visible.js";

const { markdownit, DOMPurify } = window;

const TAGS = "p br hr strong em s code pre blockquote ul ol li h3 h4 h5 h6 table thead tbody tr th td a".split(" ");
const PURIFY = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["href", "start", "class"],
  ADD_URI_SAFE_ATTR: ["start"], // else a list that begins at 3 begins at 1
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const CITATION = /\[(\d{1,3})\]/g;
const AFTER_ADDRESS = /[，。；：！？、）】》」』“”‘’]/;

const md = markdownit({ html: false, linkify: true, breaks: true }).use(chineseDialect);
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
md.disable("reference"); // `[1]: …` must not turn the citation [1] into somebody's link
md.renderer.rules.image = (tokens, index) => md.utils.escapeHtml(tokens[index].content); // nothing is loaded from outside
md.core.ruler.push("gentle", (state) => state.tokens.forEach(gentle));
md.core.ruler.after("linkify", "chinese_after_address", (state) => state.tokens.forEach(endAddresses));

/** Headings below those of the page, and alignment without a style attribute, which the page's policy forbids. */
function gentle(token) {
  if (token.type.startsWith("heading_")) token.tag = `h${Math.min(6, Number(token.tag[1]) + 2)}`;
  const align = /text-align:(left|center|right)/.exec(token.attrGet?.("style") ?? "")?.[1];
  if (token.attrs) token.attrs = token.attrs.filter(([name]) => name !== "style");
  if (align) token.attrSet("class", `to-${align}`);
}

/** `https://a.b/c，然后` is an address followed by Chinese, which the link finder takes for part of it. */
function endAddresses(token) {
  for (const [index, open] of (token.children ?? []).entries()) {
    if (open.type !== "link_open" || open.markup !== "linkify") continue;
    const [label, close] = token.children.slice(index + 1, index + 3);
    const cut = label.content.search(AFTER_ADDRESS);
    if (cut < 0) continue;
    open.attrSet("href", md.normalizeLink(label.content.slice(0, cut)));
    const rest = Object.assign(Object.create(Object.getPrototypeOf(label)), label, { content: label.content.slice(cut) });
    label.content = label.content.slice(0, cut);
    token.children.splice(token.children.indexOf(close) + 1, 0, rest);
  }
}

/**
 * A fragment that is safe to show. `[n]` up to `known` becomes a button with `data-source="n"` when `isOpenable(n)`,
 * else a quiet mark.
 */
export function render(text, known, isOpenable, labelOf) {
  const fragment = DOMPurify.sanitize(md.render(visible(text)), PURIFY);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    sayHost(link);
  }
  for (const table of fragment.querySelectorAll("table")) {
    const wrapper = el("div", { class: "wide", tabindex: "0" });
    table.replaceWith(wrapper);
    wrapper.append(table);
  }
  for (const block of fragment.querySelectorAll("pre")) block.tabIndex = 0;
  cite(fragment, known, isOpenable, labelOf);
  return fragment;
}

/** A link whose text looks like another address says where it leads; none has a user name that looks like a host. */
function sayHost(link) {
  const address = webAddress(link.href);
  if (!address) return;
  if (address !== link.href) link.href = address;
  const host = otherHost(link.textContent, address);
  if (host) link.append(` (${host})`);
}

function cite(fragment, known, isOpenable, labelOf) {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (/\[\d/.test(node.data) && !node.parentElement?.closest("code, pre, a")) found.push(node);
  }
  for (const node of found) node.replaceWith(...pieces(node.data, known, isOpenable, labelOf));
}

function pieces(text, known, isOpenable, labelOf) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(CITATION)) {
    const number = Number(match[1]);
    if (number < 1 || number > known) continue;
    parts.push(text.slice(end, match.index).replace(/ $/, ""));
    parts.push(
      isOpenable(number)
        ? el("button", { type: "button", class: "cite", "data-source": number, "aria-label": labelOf(number) }, match[1])
        : el("span", { class: "cite" }, match[1]),
    );
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}

/** Shows `fragment` in `target`, leaving the blocks that did not change alone: selection and focus there survive. */
export function replaceChanged(target, fragment) {
  const [old, fresh] = [[...target.childNodes], [...fragment.childNodes]];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same].isEqualNode(fresh[same])) same += 1;
  for (const node of old.slice(same)) node.remove();
  target.append(...fresh.slice(same));
}
