/** How far an ingest is, what the last ones did, and what each Feishu link led to. */

import { el } from "../js/dom.js";
import { has, say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { get, post, postBody } from "./data.js";
import { when } from "./parts.js";

const LOOK_MS = 1_000;
const EARLIER = 5;

export class Ingest {
  #whenEnded;
  #told = null;
  #links = [];
  #names = {};
  #looking = 0;
  #open = new Set();
  #wasOpen = false;
  #status = el("p", { class: "unseen", role: "status" }); // says the stages, and not each document
  #now = el("div", { class: "ingest-now" });
  #past = el("div", { class: "ingest-past" });

  /** `whenEnded()` is called when an ingest that was seen running has ended. */
  constructor(place, whenEnded) {
    this.#whenEnded = whenEnded;
    place.append(this.#status, this.#now, this.#past);
  }

  /** `again` are documents that are read although they did not change. */
  async start(wanted = {}) {
    try {
      const { accepted } = await postBody("admin/api/library/ingest", wanted);
      toast(say(accepted ? "ingestAccepted" : "ingestWaits"));
    } catch (error) {
      toast(say("actFailed", { said: error.said || error.message }));
    }
    await this.load();
  }

  async load() {
    clearTimeout(this.#looking);
    try {
      this.#told = await get("library/ingest");
    } catch {
      this.#looking = setTimeout(() => this.load(), 5 * LOOK_MS); // the bot is being restarted, say
      return;
    }
    Object.assign(this.#names, this.#told.names);
    const open = new Set(this.#told.runs.filter(isOpen).map(({ job_id: id }) => id));
    const ended = [...this.#open].some((id) => !open.has(id));
    this.#open = open;
    this.draw();
    if (open.size || this.#told.other_writer) this.#looking = setTimeout(() => this.load(), LOOK_MS);
    if (ended) this.#whenEnded();
  }

  showLinks(collections) {
    this.#links = collections.flatMap(({ name, links }) => links.map((link) => ({ collection: name, link })));
    this.draw();
  }

  draw() {
    if (!this.#told) return;
    const { runs, other_writer: other } = this.#told;
    const open = runs.filter(isOpen).toReversed();
    const past = runs.filter((run) => !isOpen(run));
    this.#draw(this.#now, [...open.map((run) => this.#running(run)), ...(other && !open.length ? [el("p", {}, say("otherWriter"))] : []), ...past.slice(0, 1).map((run) => ended(run, this.#names))]);
    const said = open.length ? stageOf(open[0]) : this.#wasOpen && past.length ? say(`ingest_${past[0].state}`) : "";
    this.#wasOpen ||= open.length > 0;
    if (this.#status.textContent !== said) this.#status.textContent = said;
    const earlier = past.slice(1, 1 + EARLIER);
    this.#draw(this.#past, [
      ...(this.#links.length ? [links(this.#links, runs)] : []),
      ...(earlier.length ? [el("details", {}, el("summary", {}, say("earlierIngests")), ...earlier.map((run) => ended(run, this.#names)))] : []),
    ]);
  }

  /** What is unfolded stays so, and nothing is said anew that is there already. */
  #draw(place, children) {
    const drawn = el("div", {}, ...children);
    const unfolded = [...place.querySelectorAll("details[open] > summary")].map(({ textContent }) => textContent);
    for (const summary of drawn.querySelectorAll("summary")) summary.parentElement.open = unfolded.includes(summary.textContent);
    if (drawn.innerHTML !== place.firstElementChild?.innerHTML) place.replaceChildren(drawn);
  }

  #running({ job_id: id, state, stage, done, total, reason }) {
    const words = stageOf({ state, stage });
    const count = state === "running" && total ? ` ${done} / ${total}` : "";
    return el("div", { class: "run", "data-state": state },
      el("p", {}, `${words}${count}`, reason ? el("span", { class: "document-source" }, reason) : ""),
      state === "running" && total ? el("progress", { max: total, value: done, "aria-label": words }) : "",
      el("button", { type: "button", class: "ghost worded", onclick: (event) => this.#stop(event.currentTarget, id) }, say("stopIngest")));
  }

  async #stop(button, id) {
    button.disabled = true;
    toast(say((await post(`admin/api/library/ingest/${id}/stop`)) ? "stopping" : "loadFailed"));
    await this.load();
  }
}

const stageOf = ({ state, stage }) => say(state === "running" && has(`stage_${stage}`) ? `stage_${stage}` : `ingest_${state}`);

const isOpen = ({ ended_at: at }) => at === null;

function ended({ state, what, reason, report, started_by: by, ended_at: at }, names) {
  const whose = by ? say("ingestBy", { by: names[by] ?? by }) : say("ingestItself");
  const facts = { at: when(at * 1000), by: has(`what_${what}`) ? `${whose} (${say(`what_${what}`)})` : whose };
  const told = report ? say("ingestFacts", { ...report, ...facts }) : `${facts.at}, ${facts.by}`;
  const list = (word, files, count) => (files.length ? el("details", {}, el("summary", {}, say(word, { count })), el("ul", { class: "reasons" }, ...files.map((file) => el("li", {}, `${file.source}: ${file.reason}`)))) : "");
  return el("div", { class: "run", "data-state": state },
    el("p", {}, el("b", {}, say(`ingest_${state}`)), ` · ${told}`, reason ? el("span", { class: "failure" }, ` ${reason}`) : "", report?.embedding ? el("span", { class: "document-source" }, `${say("ingestEmbedding")}: ${report.embedding}`) : ""),
    ...(report ? [list("ingestSkipped", report.skipped, report.skipped_count), list("ingestNotes", report.notes, report.notes.length)] : []));
}

/** Each link of the settings, with what the last ingest of all found there. */
function links(those, runs) {
  const looked = runs.find(({ report }) => report?.links.length)?.report.links ?? [];
  const fact = ({ collection, link }) => {
    const found = looked.find((each) => each.collection === collection && each.link === link);
    if (!found) return say("linkNotRead");
    return found.reason ? el("span", { class: "failure" }, found.reason) : say(found.unread ? "linkUnread" : "linkPages", found);
  };
  const shown = ({ link }) => (link.startsWith("https://") ? el("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, link) : link);
  return el("details", { class: "links" }, el("summary", {}, `${say("linksTitle")} (${those.length})`), el("p", { class: "note" }, say("linksNote")),
    el("ul", { class: "reasons" }, ...those.map((each) => el("li", {}, `${each.collection}: `, shown(each), " · ", fact(each)))));
}
