/** Answers that somebody stands for: the list, and a drawer in which one is made, changed, kept or withdrawn. */

import { byId, el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { get, postBody } from "./data.js";
import { mark, when } from "./parts.js";

const TYPING_MS = 250;
const DAY_MS = 86_400_000;
const STATES = ["active", "asks_again", "expired", "withdrawn"];
const API = "admin/api/verified";

export class Verified {
  #days;
  #told = null;
  #open = null; // what the drawer shows: a draft, or a stored answer with its versions
  #isChecked = false; // what speaks against it was shown: the next press saves
  #dialog = byId("verified-editor");

  /** `days()` gives the period that the board shows. */
  constructor(days) {
    this.#days = days;
    let typing = 0;
    byId("verified-filters").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.load(), TYPING_MS);
    });
    byId("verified-filters").addEventListener("submit", (event) => event.preventDefault());
    byId("verified-new").addEventListener("click", () => this.#draft("draft"));
    byId("verified-close").addEventListener("click", () => this.#dialog.close());
    byId("verified-form").addEventListener("input", () => this.#changed());
    byId("verified-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("verified-find").addEventListener("click", () => this.#find());
    byId("verified-keep").addEventListener("click", () => this.#decide("keep", { until: until() }));
    byId("verified-withdraw").addEventListener("click", () => this.#withdraw());
    addEventListener("hashchange", () => this.#openLinked());
  }

  async load() {
    const query = new URLSearchParams({ words: byId("verified-words").value, state: byId("verified-state").value });
    await this.#guarded(async () => this.#drawList((this.#told = await get(`verified?${query}`))));
  }

  /** For the first time: also the one that the page's address names. */
  async enter({ how, name }) {
    byId("verified-by").value = how === "local" ? "" : name;
    for (const id of ["verified-by", "verified-by-label"]) byId(id).hidden = how === "feishu";
    byId("verified-by").required = how !== "feishu";
    await this.load();
    await this.#openLinked();
  }

  /** Again, in the language of now. */
  draw() {
    const chosen = byId("verified-state").value;
    byId("verified-state").replaceChildren(
      el("option", { value: "" }, say("anyState")),
      ...STATES.map((state) => el("option", { value: state, selected: state === chosen }, say(`state_${state}`))));
    if (this.#told) this.#drawList(this.#told);
    if (this.#dialog.open) this.#dialog.close();
  }

  /** A draft out of a gap of the board's period. */
  ofGap(id) {
    return this.#draft(`draft?${new URLSearchParams({ gap: id, days: this.#days() })}`);
  }

  /** A draft out of a turn. */
  ofTurn(id) {
    return this.#draft(`draft?${new URLSearchParams({ turn: id })}`);
  }

  #drawList({ count, all, answers }) {
    byId("verified-count").textContent = all ? say("verifiedCount", { count, shown: answers.length }) : say("noVerified");
    byId("verified-list").replaceChildren(...answers.map((each) => el("li", { class: "verified-item" },
      el("button", { type: "button", class: "open-turn", onclick: () => this.#openStored(each.id) }, each.wording),
      el("p", { class: "gap-facts" }, stateMark(each), ` ${facts(each)}`))));
  }

  #openLinked() {
    const id = /^#verified=([\w.-]+)$/.exec(location.hash)?.[1];
    if (!id) return null;
    history.replaceState(null, "", location.pathname + location.search);
    return this.#openStored(id);
  }

  #openStored(id) {
    return this.#guarded(async () => this.#show(await get(`verified/${encodeURIComponent(id)}`)));
  }

  #draft(path) {
    return this.#guarded(async () => this.#show(await get(`verified/${path}`)));
  }

  #show(opened) {
    this.#open = opened;
    byId("verified-title").textContent = say(opened.id ? "verifiedEdit" : "verifiedNew");
    byId("verified-facts").replaceChildren(...(opened.id ? [stateMark(opened), ` ${facts(opened)}`] : []));
    byId("verified-wording").value = opened.wording;
    byId("verified-variants").value = opened.variants.join("\n");
    byId("verified-answer").value = opened.answer;
    byId("verified-collection").replaceChildren(
      ...(opened.collections.includes(opened.collection) ? [] : [el("option", { value: "" }, say("chooseCollection"))]),
      ...opened.collections.map((name) => el("option", { value: name, selected: name === opened.collection }, name)));
    byId("verified-until").value = opened.until === null ? "" : day(opened.until);
    byId("verified-until").min = day(Date.now() / 1000 + DAY_MS / 1000);
    byId("verified-keep").hidden = !opened.id || opened.state === "withdrawn";
    byId("verified-withdraw").hidden = !opened.id || opened.state === "withdrawn";
    this.#drawPassages(opened.passages);
    byId("verified-versions").replaceChildren(...versions(opened.versions ?? []));
    this.#changed();
    byId("verified-said").replaceChildren(...origins(opened));
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("verified-body").scrollTop = 0;
    byId("verified-wording").focus();
  }

  #drawPassages(passages) {
    byId("verified-passages").replaceChildren(...(passages.length ? passages.map(passage) : [el("p", { class: "note" }, say("noPassages"))]));
  }

  /** Whatever was shown against it speaks of other words now. */
  #changed() {
    this.#isChecked = false;
    byId("verified-said").replaceChildren();
    byId("verified-save").textContent = say("verifiedSave");
    byId("verified-withdraw").textContent = say("verifiedWithdraw");
    byId("verified-preview").replaceChildren(render(byId("verified-answer").value, 0, () => false, () => ""));
  }

  async #find() {
    const question = byId("verified-wording").value.trim();
    if (!question) return;
    await this.#saying(async () => {
      const { passages } = await get(`verified/passages?${new URLSearchParams({ question })}`);
      const kept = this.#open.passages.filter(({ key }) => isChosen(key));
      const found = passages.filter(({ key }) => !kept.some((each) => each.key === key));
      const highest = Math.max(0, ...kept.map(({ number }) => number));
      this.#open.passages = [...kept.map((each) => ({ ...each, chosen: true })), ...found.map((each, at) => ({ ...each, number: highest + at + 1 }))];
      this.#drawPassages(this.#open.passages);
    });
  }

  #given() {
    return {
      id: this.#open.id,
      wording: byId("verified-wording").value,
      variants: byId("verified-variants").value.split("\n").map((line) => line.trim()).filter(Boolean),
      answer: byId("verified-answer").value,
      collection: byId("verified-collection").value,
      sources: this.#open.passages.filter(({ key }) => isChosen(key)).map(({ number, collection, source, key }) => ({ number, collection, source, key })),
      until: until(),
      origin: this.#open.origin ?? "",
      by: byId("verified-by").value.trim(),
    };
  }

  /** What speaks against it is shown first; with nothing to show, or pressed again, it is saved. */
  async #save() {
    await this.#saying(async () => {
      if (!this.#isChecked) {
        const against = objections(await postBody(`${API}/check`, this.#given()));
        this.#isChecked = true;
        if (against.length) {
          byId("verified-said").replaceChildren(...against);
          byId("verified-save").textContent = say("verifiedSaveAnyway");
          return;
        }
      }
      await postBody(API, this.#given());
      await this.#done("verifiedSaved");
    });
  }

  async #decide(act, body) {
    await this.#saying(async () => {
      await postBody(`${API}/${encodeURIComponent(this.#open.id)}/${act}`, body);
      await this.#done(act === "keep" ? "verifiedKept" : "verifiedGone");
    });
  }

  async #withdraw() {
    const button = byId("verified-withdraw");
    if (button.textContent === say("verifiedSure")) await this.#decide("withdraw", {});
    else button.textContent = say("verifiedSure");
  }

  async #done(word) {
    this.#dialog.close();
    toast(say(word));
    await this.load();
  }

  async #guarded(work) {
    try {
      await work();
    } catch (error) {
      toast(error.said || say("loadFailed"));
    }
  }

  async #saying(work) {
    try {
      await work();
    } catch (error) {
      byId("verified-said").replaceChildren(el("p", { class: "failure" }, error.said || say("loadFailed")));
    }
  }
}

const isChosen = (key) => byId("verified-passages").querySelector(`input[value="${key}"]`)?.checked ?? false;

/** The end of the chosen day, in seconds; null for no end. */
function until() {
  const value = byId("verified-until").value;
  return value ? new Date(`${value}T23:59:59`).getTime() / 1000 : null;
}

const day = (at) => new Date(at * 1000 - new Date(at * 1000).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

const stateMark = ({ state }) => mark({ active: "answered", asks_again: "hedged", expired: "no_evidence", withdrawn: "stopped" }[state], say(`state_${state}`));

function facts({ by, at, until: end, collection, documents }) {
  return [
    by ? say("verifiedBy", { name: by, date: day(at) }) : say("verifiedByNobody"),
    end === null ? say("verifiedForEver") : say("verifiedUntil", { date: day(end) }),
    say("verifiedSeen", { collection }), documents.join(", "),
  ].filter(Boolean).join(" · ");
}

function passage({ number, key, title, heading_path: path, text, chosen, gone }) {
  return el("div", { class: "passage" },
    el("label", {}, el("input", { type: "checkbox", value: key, checked: chosen && !gone, disabled: gone }), ` [${number}] ${path || title}`),
    gone ? el("p", { class: "failure" }, say("passageGone")) : "",
    el("details", {}, el("summary", {}, say("passageText")), el("pre", { tabindex: 0 }, text)));
}

/** Where the words of a turn's answer come from: whoever approves it decides who else may read them. */
function origins({ came_from: collections = [], is_private: isPrivate = false }) {
  return [
    ...(isPrivate ? [el("p", { class: "objection" }, say("objection_private"))] : []),
    ...(collections.length ? [el("p", { class: "objection" }, say("objection_from", { collections: collections.join(", ") }))] : []),
  ];
}

/** What speaks against an answer, as elements. */
function objections({ leans, alike, figures }) {
  return [
    ...(leans ? [el("p", { class: "objection" }, say("objection_leans"))] : []),
    ...alike.map((each) => el("p", { class: "objection" }, say(`objection_${each.how}`, each))),
    ...figures.map((each) => el("p", { class: "objection" }, say("objection_figure", each))),
  ];
}

function versions(given) {
  if (!given.length) return [];
  return [el("details", {}, el("summary", {}, say("verifiedVersions", { count: given.length })), ...given.map((each) =>
    el("section", { class: "version" },
      el("p", { class: "gap-facts" }, [has(`did_${each.what}`) ? say(`did_${each.what}`) : each.what, each.by, when(each.at * 1000)].filter(Boolean).join(" · ")),
      el("p", {}, [each.wording, ...each.variants].join(" / ")),
      el("div", { class: "answer-text prose" }, render(each.answer, 0, () => false, () => "")))))];
}
