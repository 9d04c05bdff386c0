/** The sheet that shows a passage: beside the answer on a desk, from below on a phone. */

import { request } from "./api.js";
import { byId, el } from "./dom.js";
import { drawText, fetchText, rendered, setUpFileLink, showFileLink } from "./source-document.js";
import { mark } from "./marks.js";
import { say } from "./texts.js";
import { below } from "./source-list.js";
import { visible } from "./visible.js";

const SNIPPET_CHARS = 200;

export class SourceSheet {
  #dialog = byId("sheet");
  #answerId = "";
  #sources = [];
  #at = 0;
  #opened = new Map(); // answer id and number → the whole source, or null where there is none
  #isWhole = false; // whether the document's text is shown, and not the passage alone

  constructor() {
    byId("sheet-close").addEventListener("click", () => this.#dialog.close());
    byId("sheet-previous").addEventListener("click", () => this.#go(this.#at - 1));
    byId("sheet-next").addEventListener("click", () => this.#go(this.#at + 1));
    byId("sheet-whole").addEventListener("click", () => this.#turn());
    setUpFileLink(() => this.#sources[this.#at].source.split("/").at(-1), () => this.#note("fileGone"));
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#go(this.#at - 1);
      if (key === "ArrowRight") this.#go(this.#at + 1);
    });
  }

  /** Shows source `number` of an answer; nothing when there is none. */
  open(answer, number) {
    const at = answer.sources.findIndex((source) => source.number === number);
    if (at < 0) return;
    this.#answerId = answer.id;
    this.#sources = answer.sources;
    this.#go(at);
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("sheet-body").focus();
  }

  async #go(at) {
    const source = this.#sources[at];
    if (!source) return;
    this.#at = at;
    byId("sheet-number").textContent = source.number;
    byId("sheet-place").textContent = say("sourcePlace", { place: at + 1, count: this.#sources.length });
    byId("sheet-title").textContent = visible(source.title || source.source || say("sourceTitle", source));
    byId("sheet-source").textContent = visible(source.source);
    const link = source.link_at_place || source.link;
    byId("sheet-link").hidden = !link;
    if (link) byId("sheet-link").setAttribute("href", link);
    else byId("sheet-link").removeAttribute("href");
    byId("sheet-previous").disabled = at === 0;
    byId("sheet-next").disabled = at === this.#sources.length - 1;
    byId("sheet-body").scrollTop = 0;
    const answerId = this.#answerId;
    const known = this.#opened.get(`${answerId}.${source.number}`);
    this.#show(source, known);
    if (known !== undefined || !answerId) return;
    this.#dialog.setAttribute("aria-busy", "true");
    const whole = await fetchSource(answerId, source.number);
    if (whole !== undefined) this.#opened.set(`${answerId}.${source.number}`, whole);
    if (answerId !== this.#answerId || source !== this.#sources[this.#at]) return; // another one is shown by now
    this.#dialog.removeAttribute("aria-busy");
    this.#show(source, whole ?? null);
  }

  /** From the passage to the document's text, and back. */
  async #turn() {
    const [answerId, source] = [this.#answerId, this.#sources[this.#at]];
    const known = this.#opened.get(`${answerId}.${source.number}`);
    if (this.#isWhole) {
      this.#show(source, known ?? null);
      return;
    }
    this.#dialog.setAttribute("aria-busy", "true");
    const text = await fetchText(answerId, source.number);
    if (answerId !== this.#answerId || source !== this.#sources[this.#at]) return;
    this.#dialog.removeAttribute("aria-busy");
    const note = typeof text === "string" ? text : !text.has_passage ? "wholeChanged" : text.is_cut ? "wholeCut" : "";
    this.#note(note);
    if (typeof text === "string") return;
    this.#setWhole(true);
    byId("sheet-text").classList.remove("plain");
    byId("sheet-cut").hidden = true;
    drawText(byId("sheet-text"), text, known?.highlights ?? []);
  }

  #setWhole(isWhole) {
    this.#isWhole = isWhole;
    byId("sheet-text").classList.toggle("all", isWhole);
    byId("sheet-whole").setAttribute("aria-pressed", String(isWhole));
    byId("sheet-whole-words").textContent = say(isWhole ? "showPassage" : "showWhole");
  }

  #note(key) {
    byId("sheet-whole-note").hidden = !key;
    byId("sheet-whole-note").textContent = key ? say(key) : "";
  }

  /** `whole` is undefined while it is on its way, and null where only the beginning is left. */
  #show(source, whole) {
    this.#setWhole(false);
    this.#note("");
    byId("sheet-whole").hidden = !whole;
    showFileLink(whole?.original ?? "", place(whole?.place));
    const path = [below(source), place(whole?.place)].filter(Boolean).join(" · ");
    byId("sheet-path").textContent = visible(path);
    byId("sheet-path").hidden = !path;
    const body = byId("sheet-text");
    if (whole?.is_whole) {
      body.replaceChildren(rendered(whole.text));
      mark(body, whole.highlights.map((part) => rendered(part).textContent))?.scrollIntoView({ block: "nearest" });
    } else {
      const cut = [...source.snippet].length >= SNIPPET_CHARS;
      body.textContent = visible(cut ? `${source.snippet}…` : source.snippet);
    }
    body.classList.toggle("plain", !whole?.is_whole);
    byId("sheet-cut").hidden = whole === undefined || Boolean(whole?.is_whole);
    byId("sheet-read").hidden = !whole?.read;
    byId("sheet-read").textContent = whole?.read ? say("readOf", { read: whole.read }) : "";
    const leftOut = whole?.left_out ?? [];
    byId("sheet-left-out").hidden = leftOut.length === 0;
    byId("sheet-left-out").replaceChildren(...leftOut.map((note) => el("li", {}, visible(note))));
  }
}

function place(given) {
  return given && ["page", "sheet", "slide", "table", "record"].includes(given.kind) ? say(given.kind, { name: given.name }) : "";
}

/** The source as the bot keeps it; null where it keeps none or does not show it, undefined where it cannot be asked. */
async function fetchSource(answerId, number) {
  try {
    const response = await request(`chat/${encodeURIComponent(answerId)}/sources/${number}`);
    if (response.ok) return await response.json();
    return response.status === 404 || response.status === 403 ? null : undefined;
  } catch {
    return undefined;
  }
}
