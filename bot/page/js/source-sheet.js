/** The sheet that shows a passage: beside the answer on a desk, from below on a phone. */

import { byId } from "./dom.js";
import { say } from "./texts.js";
import { below } from "./turn-view.js";

const SNIPPET_CHARS = 200;

export class SourceSheet {
  #dialog = byId("sheet");
  #sources = [];
  #at = 0;

  constructor() {
    byId("sheet-close").addEventListener("click", () => this.#dialog.close());
    byId("sheet-previous").addEventListener("click", () => this.#go(this.#at - 1));
    byId("sheet-next").addEventListener("click", () => this.#go(this.#at + 1));
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#go(this.#at - 1);
      if (key === "ArrowRight") this.#go(this.#at + 1);
    });
  }

  /** Shows source `number` of `sources`; nothing when there is none. */
  open(sources, number) {
    const at = sources.findIndex((source) => source.number === number);
    if (at < 0) return;
    this.#sources = sources;
    this.#go(at);
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("sheet-body").focus();
  }

  #go(at) {
    const source = this.#sources[at];
    if (!source) return;
    this.#at = at;
    const path = below(source);
    const cut = [...source.snippet].length >= SNIPPET_CHARS;
    byId("sheet-number").textContent = source.number;
    byId("sheet-place").textContent = say("sourcePlace", { place: at + 1, count: this.#sources.length });
    byId("sheet-title").textContent = source.title || source.source || say("sourceTitle", source);
    byId("sheet-path").textContent = path;
    byId("sheet-path").hidden = !path;
    byId("sheet-text").textContent = cut ? `${source.snippet}…` : source.snippet;
    byId("sheet-source").textContent = source.source;
    byId("sheet-link").hidden = !source.link;
    if (source.link) byId("sheet-link").setAttribute("href", source.link);
    else byId("sheet-link").removeAttribute("href");
    byId("sheet-previous").disabled = at === 0;
    byId("sheet-next").disabled = at === this.#sources.length - 1;
    byId("sheet-body").scrollTop = 0;
  }
}
