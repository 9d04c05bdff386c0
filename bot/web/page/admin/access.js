/** Who may see which document and why, what somebody would be answered, and what was shown to whom. */

import { byId, el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { file, get, postBody, save } from "./data.js";
import { mark, marks, table, when } from "./parts.js";

const TYPING_MS = 250;
const KINDS = ["user", "union", "employee", "email", "department", "chat", "group"];

export class Access {
  #days = () => 30;
  #told = null;
  #shown = null;

  /** `days()` gives the period that the board shows. */
  constructor(days) {
    this.#days = days;
    this.#onTyping("access-filters", () => this.#loadDocuments());
    this.#onTyping("shown-filters", () => this.#loadShown());
    this.#onSubmit("verdict", () => this.#judge());
    this.#onSubmit("ask-as", () => this.#ask());
    byId("shown-csv").addEventListener("click", (event) => {
      event.preventDefault();
      this.#guarded(async () => save(await file(`shown.csv?${this.#shownQuery()}`), "feishu-rag-shown.csv"));
    });
  }

  async load() {
    await Promise.all([this.#loadDocuments(), this.#loadShown()]);
  }

  /** Again, in the language of now. */
  draw() {
    if (this.#told) this.#drawDocuments(this.#told);
    if (this.#shown) this.#drawShown(this.#shown);
    for (const id of ["verdict-said", "ask-as-said"]) byId(id).replaceChildren();
  }

  async #loadDocuments() {
    const query = new URLSearchParams({ words: byId("access-words").value });
    await this.#guarded(async () => this.#drawDocuments((this.#told = await get(`access?${query}`))));
  }

  async #loadShown() {
    await this.#guarded(async () => this.#drawShown((this.#shown = await get(`shown?${this.#shownQuery()}`))));
  }

  #shownQuery() {
    return new URLSearchParams({ days: this.#days(), document: byId("shown-document").value, person: byId("shown-person").value });
  }

  #drawDocuments(told) {
    byId("access-note").replaceChildren(...state(told).map((line) => el("span", { class: "line" }, line)));
    const unresolved = told.unresolved.map(({ what, name, why }) => el("li", {}, `${name || what}${name ? ` (${what})` : ""}: ${why}`));
    byId("unresolved").replaceChildren(...(unresolved.length ? [el("summary", {}, say("unresolved", { count: unresolved.length })), el("ul", {}, ...unresolved)] : []));
    byId("unresolved").hidden = !unresolved.length;
    const rows = told.documents.map((document) => [name(document), status(document), readers(document), when(document.checked_at * 1000)]);
    const made = table([say("document"), say("accessState"), say("readers"), say("readAt")], rows);
    byId("access").replaceChildren(...(rows.length ? made.children : []));
    byId("access-count").textContent = told.mirrored ? say("accessCount", { count: told.matching, shown: rows.length }) : "";
    byId("known-documents").replaceChildren(...told.documents.map(({ source, title }) => el("option", { value: source }, title)));
    byId("access-filters").hidden = !told.mirrored;
  }

  #drawShown({ count, shown, names }) {
    const named = (id) => (names[id] ? `${names[id]} (${id})` : id);
    const rows = shown.map((row) => [
      when(row.at),
      row.source ? el("span", {}, row.title || row.source, el("span", { class: "document-source" }, `${row.source} · ${row.collection}`)) : say("shownNothing"),
      row.asked_as ? say("askedAs", { asker: named(row.asker), asked_as: named(row.asked_as) }) : named(row.asker),
      `${has(`chat_${row.chat_type}`) ? say(`chat_${row.chat_type}`) : row.chat_type}${row.chat_type === "group" ? ` ${row.chat_id}` : ""}`,
      row.source ? say(row.cited ? "wasCited" : "wasNear") : "",
    ]);
    const made = table([say("time"), say("document"), say("shownTo"), say("shownIn"), say("shownAs")], rows);
    byId("shown").replaceChildren(...(rows.length ? made.children : []));
    byId("shown-count").textContent = say("shownCount", { count, shown: rows.length });
  }

  async #judge() {
    const query = new URLSearchParams({ person: byId("verdict-person").value.trim(), document: byId("verdict-document").value.trim() });
    await this.#answerIn("verdict-said", async () => verdict(await get(`access/verdict?${query}`)));
  }

  async #ask() {
    const asked = { person: byId("ask-as-person").value.trim(), question: byId("ask-as-question").value.trim() };
    await this.#answerIn("ask-as-said", async () => answered(await postBody("admin/api/access/ask", asked)));
    await this.#loadShown();
  }

  /** What the server says stands there, also why it cannot say. */
  async #answerIn(id, work) {
    const place = byId(id);
    place.replaceChildren(el("p", { class: "note" }, say("looking")));
    try {
      place.replaceChildren(...(await work()));
    } catch (error) {
      place.replaceChildren(el("p", { class: "failure" }, error.said || say("loadFailed")));
    }
  }

  async #guarded(work) {
    try {
      await work();
    } catch {
      toast(say("loadFailed"));
    }
  }

  #onTyping(id, work) {
    let typing = 0;
    byId(id).addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(work, TYPING_MS);
    });
    byId(id).addEventListener("submit", (event) => event.preventDefault());
  }

  #onSubmit(id, work) {
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      work();
    });
  }
}

/** In sentences: whether rights are mirrored, when they were read, what is closed. */
function state(told) {
  if (!told.mirrored) return [say(told.has_links ? "rightsOff" : "rightsNoLinks")];
  if (!told.count) return [say("rightsNever")];
  const read = say("rightsRead", { ...told, newest: when(told.newest_at * 1000), oldest: when(told.oldest_at * 1000) });
  return [read, told.closed ? say("rightsClosed", told) : say("rightsAllOpen"), ...(told.old ? [say("rightsOld", told)] : [])];
}

const name = ({ title, source, link }) =>
  el("span", {}, link.startsWith("https://") ? el("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, title || source) : title || source, el("span", { class: "document-source" }, source));

/** Open, or closed with the reason and what to grant. */
function status({ closed, missing_scope: scope, incomplete, lets_out: out }) {
  const parts = incomplete.length ? el("span", { class: "document-source" }, say("incompleteParts", { parts: incomplete.join(", ") })) : "";
  const reason = closed ? el("span", { class: "document-source" }, say(`closed_${closed}`, { scope })) : "";
  const outside = out ? el("span", { class: "document-source" }, say("letsOut")) : "";
  return el("span", {}, mark(closed ? "no_evidence" : "answered", say(closed ? "isClosed" : "isOpen")), reason, parts, outside);
}

/** Who may read it, each with the rule; folded, since there may be many. */
function readers({ readers: grants, more }) {
  if (!grants.length) return "–";
  const items = grants.map((grant) => el("li", {}, `${who(grant)} · ${rule(grant)}`));
  if (more) items.push(el("li", {}, say("moreReaders", { more })));
  return el("details", {}, el("summary", {}, say("readerCount", { count: grants.length + more })), el("ul", {}, ...items));
}

function who({ principal, name: known }) {
  if (principal === "tenant" || principal === "department:0") return say("whoTenant");
  if (principal === "anyone") return say("whoAnyone");
  const [kind, ...rest] = principal.split(":");
  const id = rest.join(":");
  return `${KINDS.includes(kind) ? say(`who_${kind}`) : kind} ${known ? `${known} (${id})` : id}`;
}

const rule = ({ rule: its, where }) => say(`rule_${its}`, { where });

function verdict({ allowed, source, mirrored, may_read: mayRead, grants, closed, collections, unknown }) {
  const lines = mirrored && mayRead ? grants.map((grant) => `${who(grant)} · ${rule(grant)}`) : [];
  if (mirrored && !mayRead) lines.push(closed ? say(`closed_${closed}`, { scope: "" }) : say("noRight"));
  if (unknown) lines.push(say("personUnknown", { why: unknown }));
  if (!collections.length) lines.push(say("notIndexed"));
  for (const { name: collection, rule: its } of collections) lines.push(say(its ? `collection_${its}` : "collection_none", { collection }));
  return [
    el("p", {}, mark(allowed ? "answered" : "no_evidence", say(allowed ? "maySee" : "mayNotSee")), ` ${source}`),
    el("ul", { class: "reasons" }, ...lines.map((line) => el("li", {}, line))),
  ];
}

function answered({ outcome, text, notice, sources, verified }) {
  const prose = el("div", { class: "answer-text prose" });
  prose.append(render(text || "–", 0, () => false, () => ""));
  const list = sources.map(({ number, title, source, cited }) => el("li", {}, `[${number}] ${title} (${source})${cited ? ` · ${say("wasCited")}` : ""}`));
  return [
    el("p", { class: "marks" }, ...marks({ outcome, verified })),
    prose,
    notice ? el("p", { class: "note" }, notice) : "",
    list.length ? el("ul", { class: "reasons" }, ...list) : "",
  ].filter(Boolean);
}
