/** The passages of a document as the index has them, in a drawer, some at a time. */

import { el } from "../js/dom.js";
import { has, say } from "../js/texts.js";
import { visible } from "../js/visible.js";
import { get } from "./data.js";

export class Passages {
  #document = null;
  #told = null;
  #title = el("h2", { id: "passages-title" });
  #body = el("div", { class: "drawer-body", tabindex: "0" });
  #close = el("button", { class: "ghost", type: "button", "data-label": "close" }, "✕");
  #dialog = el("dialog", { class: "drawer", id: "passages", "aria-labelledby": "passages-title" }, el("header", { class: "drawer-top" }, this.#title, this.#close), this.#body);

  constructor() {
    document.body.append(this.#dialog);
    this.#close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  async open(document, page = 1) {
    const query = new URLSearchParams({ collection: document.collection, source: document.source, page });
    this.#document = document;
    this.#told = await get(`library/passages?${query}`);
    this.draw();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#body.scrollTop = 0;
    this.#body.focus();
  }

  draw() {
    if (!this.#told) return;
    const { title, count, page, pages, passages } = this.#told;
    this.#title.textContent = visible(title || this.#document.source);
    this.#body.replaceChildren(
      el("p", { class: "note" }, count ? say("passagesCount", { count }) : say("noPassages")),
      ...passages.map(passage),
      ...(pages > 1 ? [pager({ count, page, pages }, (to) => this.open(this.#document, to), "passagePages")] : []),
    );
  }
}

/** The place of a passage in words: page 3, sheet 报价. */
export const placed = (place) => (place && place.kind !== "heading" && has(place.kind) ? say(place.kind, place) : "");

function passage({ number, headings, text, place, link }) {
  const where = [headings, placed(place)].filter(Boolean).join(" · ");
  return el("section", { class: "passage" },
    el("h3", {}, `${say("passageNumber", { number })} `, link.startsWith("https://") ? el("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, where) : where),
    el("p", { class: "passage-text" }, text));
}

/** Buttons to the pages beside; `go(page)` gets there. */
export function pager({ page, pages }, go, id) {
  const button = (word, to) => el("button", { type: "button", class: "ghost worded", disabled: to < 1 || to > pages, onclick: () => go(to) }, say(word));
  return el("p", { class: "pager", id }, button("previousPage", page - 1), el("span", {}, `${page} / ${pages}`), button("nextPage", page + 1));
}
