/** What owners decided on their weekly cards, newest first; what counts can be undone. */

import { byId, el } from "../js/dom.js";
import { say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { get, post } from "./data.js";
import { mark, table, when } from "./parts.js";

const TONES = { write: "hedged", right: "answered", obsolete: "failed", not_mine: "stopped" };

export class Decisions {
  #told = null;

  async load() {
    try {
      this.#told = await get("decisions");
    } catch {
      toast(say("loadFailed"));
    }
    this.draw();
  }

  /** Again, in the language of now. */
  draw() {
    const decisions = this.#told?.decisions ?? [];
    byId("decisions-none").hidden = decisions.length > 0;
    const rows = decisions.map((each) => [when(each.at * 1000), each.by, about(each), mark(each.undone_by ? "cut" : TONES[each.what], say(`decided_${each.what}`)), this.#act(each)]);
    const made = table([say("time"), say("decidedBy"), say("decidedAbout"), say("decision"), ""], rows);
    byId("decisions").replaceChildren(...(rows.length ? made.children : []));
  }

  #act(each) {
    if (each.undone_by) return el("span", { class: "document-source" }, say("undoneBy", { name: this.#told.names[each.undone_by] ?? each.undone_by }));
    return el("button", { type: "button", class: "act", "aria-label": say("undoOf", { name: each.title || each.question || each.by }), onclick: () => this.#undo(each) }, say("undoDecision"));
  }

  async #undo({ id }) {
    const done = await post(`admin/api/decisions/${encodeURIComponent(id)}/undo`);
    toast(say(done ? "undone" : "notUndone"));
    await this.load();
  }
}

/** What it is about: a question, a document, or two sentences. */
function about({ kind, title, source, collection, question }) {
  const shown = question || title || source || "";
  return el("span", {}, shown, el("span", { class: "document-source" }, [say(`item_${kind}`), source && source !== shown ? source : "", collection].filter(Boolean).join(" · ")));
}
