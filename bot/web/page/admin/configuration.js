/** The bot's prompts, tried on real questions before they are changed and put back after; and the settings in force. */

import { byId, el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { get, postBody } from "./data.js";
import { marks, person, table, when } from "./parts.js";

const LATEST = 5;

export class Configuration {
  #told = { prompts: [], versions: [], names: {} };
  #settings = [];
  #trial = 0;
  /** Whether the text was changed and not saved: drawing anew (another language) leaves it. */
  #draft = false;

  constructor() {
    byId("prompt-name").addEventListener("change", () => this.#fill());
    byId("prompt-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("prompt-text").addEventListener("input", () => this.#enable());
    byId("prompt-try").addEventListener("click", () => this.#try());
    byId("settings-words").addEventListener("input", () => this.#drawSettings());
    byId("settings-filters").addEventListener("submit", (event) => event.preventDefault());
  }

  async load() {
    [this.#told, { settings: this.#settings }] = await Promise.all([get("prompts"), get("settings")]);
    this.draw();
  }

  draw() {
    if (!this.#told.prompts.length) return;
    const chosen = byId("prompt-name").value || this.#told.prompts[0].name;
    byId("prompt-name").replaceChildren(...this.#told.prompts.map(({ name }) => el("option", { value: name, selected: name === chosen }, say(`prompt_${name}`))));
    if (this.#draft) this.#drawVersions();
    else this.#fill();
    this.#drawSettings();
  }

  get #prompt() {
    return this.#told.prompts.find(({ name }) => name === byId("prompt-name").value);
  }

  #fill() {
    const { in_use: text, variables, configured } = this.#prompt;
    byId("prompt-text").value = text;
    byId("prompt-variables").textContent = [say(text === configured ? "promptConfigured" : "promptChanged"), variables.length ? say("promptVariables", { names: variables.map((name) => `{${name}}`).join(" ") }) : ""].filter(Boolean).join(" ");
    byId("prompt-note").value = "";
    byId("prompt-said").replaceChildren();
    byId("trials").replaceChildren();
    this.#trial += 1;
    this.#draft = false;
    this.#enable();
    this.#drawVersions();
  }

  #enable() {
    const { in_use: text, can_be_tried: canBeTried } = this.#prompt;
    const isChanged = byId("prompt-text").value !== text;
    this.#draft = isChanged;
    byId("prompt-try").disabled = !isChanged || !canBeTried;
    byId("prompt-save").disabled = !isChanged;
  }

  #drawVersions() {
    const { name, configured, in_use: inUse } = this.#prompt;
    const versions = this.#told.versions.filter((version) => version.name === name);
    const back = (id, isInUse) => (isInUse ? say("versionInUse") : el("button", { type: "button", class: "ghost worded", onclick: () => this.#back(id) }, say("putBack")));
    const rows = versions.map((version, at) => [
      when(version.at * 1000), person(this.#told.names, version.saved_by),
      el("details", {}, el("summary", {}, `#${version.id} ${version.note}`), el("pre", {}, version.text || configured)),
      back(version.id, at === 0),
    ]);
    rows.push(["–", "–", el("details", {}, el("summary", {}, say("textOfSettings")), el("pre", {}, configured)), back(0, !versions.length || (inUse === configured && !versions[0].text))]);
    byId("prompt-versions").replaceChildren(...table([say("time"), say("savedBy"), say("change"), ""], rows).children);
  }

  async #save() {
    const { name } = this.#prompt;
    await this.#telling(async () => {
      await postBody(`admin/api/prompts/${name}`, { text: byId("prompt-text").value, note: byId("prompt-note").value.trim() });
      this.#draft = false;
      toast(say("promptSaved"));
      await this.load();
    });
  }

  async #back(id) {
    await this.#telling(async () => {
      await postBody(`admin/api/prompts/${this.#prompt.name}/back/${id}`, {});
      this.#draft = false;
      toast(say("promptSaved"));
      await this.load();
    });
  }

  /** Answers with the text in use and with the new one: the typed question, or the latest that people asked. */
  async #try() {
    const [trial, { name }] = [(this.#trial += 1), this.#prompt];
    const typed = byId("prompt-question").value.trim();
    await this.#telling(async () => {
      const questions = typed ? [typed] : [...new Set((await get("turns?days=90")).turns.map(({ question }) => question))].slice(0, LATEST);
      byId("trials").replaceChildren(el("p", { class: "note", role: "status" }, say(questions.length ? "trying" : "nothingAsked")));
      const found = [];
      for (const question of questions) {
        const told = await postBody(`admin/api/prompts/${name}/try`, { text: byId("prompt-text").value, question });
        if (trial !== this.#trial) return;
        found.push(told);
        byId("trials").append(compared(question, told));
        byId("trials").firstChild.textContent = counted(found, questions.length);
      }
    });
  }

  async #telling(work) {
    byId("prompt-said").replaceChildren();
    try {
      await work();
    } catch (error) {
      byId("prompt-said").replaceChildren(el("p", { class: "failure" }, error.said || say("loadFailed")));
    }
  }

  #drawSettings() {
    const words = byId("settings-words").value.trim().toLowerCase();
    const shown = this.#settings.filter(({ key, description }) => `${key} ${description}`.toLowerCase().includes(words));
    const rows = shown.map(({ key, value, origin, variable, description }) => [
      el("span", {}, el("code", {}, key), el("span", { class: "document-source" }, description)),
      el("span", { class: "setting-value" }, value || "–"),
      el("span", {}, has(`origin_${origin}`) ? say(`origin_${origin}`) : origin, el("span", { class: "document-source" }, variable)),
    ]);
    byId("settings").replaceChildren(...table([say("setting"), say("value"), say("origin")], rows).children);
    byId("settings-count").textContent = say("turnsCount", { count: this.#settings.length, shown: shown.length });
  }
}

/** One question, answered before and after the change. */
function compared(question, { before, after }) {
  const side = (word, answer) => el("section", {},
    el("h5", {}, say(word), " ", ...marks({ outcome: answer.outcome, ending: "" })),
    el("div", { class: "answer-text prose" }, render(answer.text || answer.notice || "–", 0, () => false, () => "")),
    el("p", { class: "note" }, [say("trialFacts", { seconds: (answer.seconds ?? 0).toFixed(1), tokens: answer.tokens }), answer.cites.length ? say("stepCites", { numbers: answer.cites.map((number) => `[${number}]`).join("") }) : ""].filter(Boolean).join(" · ")),
  );
  return el("article", { class: "trial" }, el("h4", {}, question), el("div", { class: "asides" }, side("before", before), side("after", after)));
}

/** What a change does to all questions that were tried. */
function counted(found, of) {
  const side = (when) => {
    const answers = found.map((each) => each[when]);
    const sum = (value) => answers.reduce((all, answer) => all + value(answer), 0);
    return say("trialSums", {
      answered: sum(({ outcome }) => Number(outcome === "answered")), hedged: sum(({ outcome }) => Number(outcome === "hedged")),
      none: sum(({ outcome }) => Number(outcome === "no_evidence")), tokens: sum(({ tokens }) => tokens),
    });
  };
  return say("trialCounts", { done: found.length, of, before: side("before"), after: side("after") });
}
