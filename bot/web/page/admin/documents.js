/** The documents: their list with what became of each, files that come and go, and what an ingest is about. */

import "./documents-words.js";
import { el } from "../js/dom.js";
import { has, say, translate } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { visible } from "../js/visible.js";
import { get, postBody } from "./data.js";
import { Ingest } from "./ingest.js";
import { mark, table, when } from "./parts.js";
import { pager, Passages } from "./passages.js";
import { Search } from "./search.js";
import { Upload } from "./upload.js";

const TYPING_MS = 250;
const STATES = ["failed", "left_out", "waiting", "gone", "noted", "read"];
const SORTS = ["attention", "name", "newest", "oldest", "cited", "down", "passages"];
const TONES = { failed: "failed", left_out: "no_evidence", waiting: "cut", gone: "stopped", noted: "hedged", read: "answered" };
const byId = (id) => document.getElementById(id);

export class Documents {
  #days;
  #told = null;
  #collections = [];
  #page = 1;
  #asked = 0;
  #passages = new Passages();
  #confirm = new Confirm();
  #upload;
  #ingest;
  #search;

  /** `days()` gives the period that citations and votes are counted in. */
  constructor(days) {
    this.#days = days;
    const place = byId("library");
    const [drop, progress] = [el("div", {}), el("div", { class: "ingest" })];
    place.append(...frame(drop, progress));
    this.#upload = new Upload(drop, () => this.#changed());
    this.#ingest = new Ingest(progress, () => this.#ended());
    this.#search = new Search(byId("trial"));
    byId("read-changes").addEventListener("click", () => this.#ingest.start());
    byId("read-all").addEventListener("click", async () => {
      if (await this.#confirm.ask(say("confirmReadAll"), say("readAll"))) this.#ingest.start({ rebuild: true });
    });
    const filters = byId("library-filters");
    let typing = 0;
    filters.addEventListener("submit", (event) => event.preventDefault());
    filters.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#list(1), TYPING_MS);
    });
    translate(place);
    this.#drawFilters();
  }

  async load() {
    await this.#guarded(async () => {
      const { collections, max_file_mb: most } = await get("library/collections");
      this.#collections = collections;
      this.#upload.show(collections, most);
      this.#ingest.showLinks(collections);
      this.#search.showCollections(collections);
      this.#drawFilters();
    });
    await Promise.all([this.#list(this.#page), this.#ingest.load()]);
  }

  /** Again, in the language of now. */
  draw() {
    this.#drawFilters();
    if (this.#told) this.#drawList(this.#told);
    this.#search.showCollections(this.#collections);
    this.#upload.show(this.#collections, this.#upload.mostMb);
    for (const part of [this.#ingest, this.#passages, this.#search]) part.draw();
  }

  async #list(page) {
    const asked = ++this.#asked;
    const chosen = { words: byId("library-words").value, collection: byId("library-collection").value, state: byId("library-state").value, sort: byId("library-sort").value };
    await this.#guarded(async () => {
      const told = await get(`library?${new URLSearchParams({ ...chosen, page, days: this.#days() })}`);
      if (asked !== this.#asked) return; // a later one is on its way
      this.#page = told.page;
      this.#drawList((this.#told = told));
    });
  }

  #drawFilters() {
    const fill = (id, options) => {
      const chosen = byId(id).value;
      byId(id).replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
    };
    const count = (state) => (this.#told ? say("stateCount", { state: say(`state_${state}`), count: this.#told.states[state] }) : say(`state_${state}`));
    fill("library-collection", [["", say("anyCollection")], ...this.#collections.map(({ name }) => [name, name])]);
    fill("library-state", [["", say("anyState")], ...STATES.map((state) => [state, count(state)])]);
    fill("library-sort", SORTS.map((sort) => [sort, say(`sort_${sort}`)]));
  }

  #drawList(told) {
    const rows = told.documents.map((document) => [
      this.#name(document), state(document), document.passages ? String(document.passages) : "",
      document.edited_at ? el("time", { datetime: new Date(document.edited_at * 1000).toISOString() }, when(document.edited_at * 1000)) : say("unknownAge"),
      String(document.answers), String(document.down), this.#acts(document),
    ]);
    const heads = [say("document"), say("documentState"), say("documentPassages"), say("documentAge"), say("cited"), say("down"), say("documentActs")];
    const made = table(heads, rows, [2, 4, 5]);
    for (const row of made.tBodies[0].rows) for (const [at, cell] of [...row.cells].entries()) cell.dataset.head = heads[at];
    byId("library-list").replaceChildren(...(rows.length ? made.children : []));
    const waiting = told.states.waiting + told.states.gone;
    byId("library-note").replaceChildren(...[...told.trouble, ...(waiting ? [say("waitingFiles", { count: waiting })] : [])].map((line) => el("span", { class: "line" }, line)));
    const isFiltered = byId("library-words").value || byId("library-collection").value || byId("library-state").value;
    byId("library-count").textContent = rows.length ? say("libraryCount", told) : say(isFiltered ? "noDocumentsFound" : "emptyLibrary");
    byId("library-pages").replaceChildren(...(told.pages > 1 ? [pager(told, (page) => this.#list(page), null)] : []));
    this.#drawFilters();
  }

  #name(document) {
    const { title, source, collection, link, kind, content } = document;
    const shown = title || source;
    const facts = [title && title !== source ? source : "", collection, has(`kind_${kind}`) ? say(`kind_${kind}`) : "", content].filter(Boolean);
    return el("span", {}, link.startsWith("https://") ? el("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, shown) : shown, el("span", { class: "document-source" }, facts.join(" · ")));
  }

  #acts(document) {
    const name = document.title || document.source;
    const act = (word, label, work) => el("button", { type: "button", class: "act", "aria-label": say(label, { name }), onclick: () => this.#guarded(work) }, say(word));
    return el("span", { class: "acts" },
      document.passages ? act("preview", "previewOf", () => this.#passages.open(document)) : "",
      document.may_be_read ? act("readAgain", "readAgainOf", () => this.#ingest.start({ again: [pick(document)] })) : "",
      document.may_be_removed ? act("removeFile", "removeOf", () => this.#remove(document, name)) : "");
  }

  async #remove(document, name) {
    if (!(await this.#confirm.ask(say("confirmRemove", { name }), say("removeFile")))) return;
    try {
      await postBody("admin/api/library/remove", pick(document));
    } catch (error) {
      toast(say("actFailed", { said: has(`refused_${error.type}`) ? say(`refused_${error.type}`) : error.said }));
      return;
    }
    toast(say("removedFile"));
    await this.#changed();
  }

  /** Files came or went: the list shows them, and they are read. */
  async #changed() {
    await Promise.all([this.#list(this.#page), this.#ingest.start()]);
  }

  async #ended() {
    await Promise.all([this.#list(this.#page), this.#search.again()]);
  }

  async #guarded(work) {
    try {
      await work();
    } catch {
      toast(say("loadFailed"));
    }
  }
}

const pick = ({ collection, source }) => ({ collection, source });

/** Its state, and why: what was left out is folded where there is much of it. */
function state({ state: its, reason, notes, obsolete }) {
  const said = { waiting: say("waitingNote"), gone: say("goneNote") }[its] ?? reason;
  const called = obsolete ? say("calledObsolete", { name: obsolete.by, date: when(obsolete.at * 1000) }) : "";
  const lines = [called, said, ...notes].filter(Boolean);
  const list = lines.length > 2
    ? el("details", {}, el("summary", {}, lines[0]), el("ul", { class: "reasons" }, ...lines.slice(1).map((line) => el("li", {}, line))))
    : el("span", { class: "document-source" }, lines.join("; "));
  return el("span", {}, mark(TONES[its], say(`state_${its}`)), lines.length ? list : "");
}

/** The fixed parts of the section. */
function frame(drop, progress) {
  const select = (id, word) => [el("label", { class: "unseen", for: id, "data-text": word }), el("select", { id })];
  const button = (id, word) => el("button", { type: "button", class: "ghost worded", id, "data-text": word });
  return [
    el("div", { class: "card-top" }, el("h2", { id: "library-title", "data-text": "libraryTitle" }), button("read-changes", "readChanges"), button("read-all", "readAll")),
    el("p", { class: "note", "data-text": "libraryNote" }),
    drop, progress,
    el("form", { class: "filters", id: "library-filters", role: "search" },
      el("label", { class: "unseen", for: "library-words", "data-text": "filterWords" }), el("input", { id: "library-words", type: "search", maxlength: "200", "data-placeholder": "filterWords" }),
      ...select("library-collection", "filterCollection"), ...select("library-state", "filterState"), ...select("library-sort", "filterSort")),
    el("p", { class: "note lines trouble", id: "library-note" }),
    el("div", { class: "scroll-x", tabindex: "0", role: "region", "data-label": "libraryTitle" }, el("table", { id: "library-list" })),
    el("div", { class: "card-foot" }, el("p", { class: "note", id: "library-count" }), el("div", { id: "library-pages" })),
  ];
}

/** Asks before something that cannot be taken back. */
class Confirm {
  #text = el("p", { id: "confirm-text" });
  #yes = el("button", { class: "primary", type: "submit", value: "yes" });
  #no = el("button", { class: "ghost worded", type: "submit", value: "no", "data-text": "cancelAct" });
  #dialog = el("dialog", { class: "box", id: "confirm", "aria-labelledby": "confirm-text" }, el("form", { method: "dialog" }, this.#text, el("div", { class: "box-acts" }, this.#no, this.#yes)));

  constructor() {
    document.body.append(this.#dialog);
  }

  /** Whether it was confirmed, by a button that says `word`. */
  ask(text, word) {
    this.#text.textContent = visible(text);
    this.#yes.textContent = word;
    this.#no.textContent = say("cancelAct");
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#no.focus();
    return new Promise((done) => this.#dialog.addEventListener("close", () => done(this.#dialog.returnValue === "yes"), { once: true }));
  }
}
