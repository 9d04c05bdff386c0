/** The board: gate, totals, charts, gaps, reasons, documents, all turns. */

import "./words.js";
import "./verified-words.js";
import "./decisions-words.js";
import { rememberKey, setUpKeys } from "../js/api.js";
import { byId, el } from "../js/dom.js";
import { browserStorage } from "../js/history.js";
import { KeyDialog } from "../js/key-dialog.js";
import { has, say, setLanguage, translate } from "../js/texts.js";
import { Theme } from "../js/theme.js";
import { toast } from "../js/toast.js";
import { Access } from "./access.js";
import { drawCharts } from "./charts.js";
import { Configuration } from "./configuration.js";
import { file, get, me, post, save } from "./data.js";
import { Decisions } from "./decisions.js";
import { Documents } from "./documents.js";
import { marks, OUTCOMES, outcomeWord, ownerReply, person, table, when } from "./parts.js";
import { Drawer } from "./trace.js";
import { Verified } from "./verified.js";

const LANGUAGE_KEY = "feishu-rag.language";
const PERIODS = [7, 30, 90];
const ROWS = 50;
const ALERT_PERCENT = 80;

class Board {
  #settings = browserStorage("localStorage");
  #keys = new KeyDialog();
  #verified = new Verified(() => this.#days);
  #drawer = new Drawer((turnId) => this.#verified.ofTurn(turnId));
  #access = new Access(() => this.#days);
  #configuration = new Configuration();
  #decisions = new Decisions();
  #documents = new Documents(() => this.#days);
  #days = 30;
  #overview = null;
  #gaps = [];
  #names = {};
  #typing = 0;

  constructor() {
    setUpKeys(browserStorage("sessionStorage"), async () => false);
    setLanguage(this.#settings.getItem(LANGUAGE_KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
    new Theme(this.#settings);
    byId("theme").addEventListener("click", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    addEventListener("resize", () => this.#overview && drawCharts(this.#overview));
    byId("days").addEventListener("change", () => this.#load(Number(byId("days").value)));
    byId("language").addEventListener("click", () => this.#switchLanguage());
    byId("leave").addEventListener("click", () => this.#leave());
    byId("enter-key").addEventListener("click", () => this.#enterKey());
    byId("filters").addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#loadTurns(), 200);
    });
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    for (const [id, name] of [["csv", "export.csv"], ["json", "export.json"]]) {
      byId(id).href = `admin/api/${name}`;
      byId(id).addEventListener("click", (event) => {
        event.preventDefault();
        this.#guarded(async () => save(await file(`${name}?days=${this.#days}`), `feishu-${name}`));
      });
    }
    this.#translate();
    this.#enter();
  }

  async #enter() {
    const found = await me();
    const isIn = found.status === 200;
    byId("gate").hidden = isIn;
    byId("board").hidden = !isIn;
    byId("who").textContent = isIn && found.how !== "local" ? found.name : "";
    byId("leave").hidden = !isIn || found.how === "local";
    byId("leave").dataset.how = found.how ?? "";
    byId("days").hidden = !isIn;
    byId("login").hidden = !found.login;
    byId("enter-key").hidden = found.keys === false;
    byId("enter-key").className = found.login ? "ghost worded" : "primary";
    const trouble = `gate_${new URLSearchParams(location.search).get("login")}`;
    if (has(trouble)) byId("gate-note").textContent = say(trouble);
    if (isIn) await Promise.all([this.#load(this.#days), this.#verified.enter(found)]);
  }

  async #enterKey() {
    if (await this.#keys.ask(false)) await this.#enter();
  }

  async #leave() {
    if (byId("leave").dataset.how === "feishu") await post("admin/logout");
    else rememberKey("");
    location.assign("admin");
  }

  async #load(days) {
    this.#days = days;
    await this.#guarded(async () => {
      [this.#overview, { gaps: this.#gaps, names: this.#names }] = await Promise.all([get(`overview?days=${days}`), get(`gaps?days=${days}`)]);
      this.#draw();
      await Promise.all([this.#loadTurns(), this.#access.load(), this.#documents.load(), this.#configuration.load(), this.#decisions.load()]);
    });
  }

  async #loadTurns() {
    const query = new URLSearchParams({ days: this.#days, words: byId("words").value, outcome: byId("outcome").value, vote: byId("vote").value });
    await this.#guarded(async () => this.#drawTurns(await get(`turns?${query}`)));
  }

  async #guarded(work) {
    try {
      await work();
    } catch {
      toast(say("loadFailed"));
    }
  }

  #draw() {
    if (!this.#overview) return;
    drawCharts(this.#overview);
    this.#drawTiles(this.#overview);
    this.#drawBudget(this.#overview.tokens);
    this.#drawReasons(this.#overview.reasons);
    this.#drawDocuments(this.#overview.documents);
    byId("gaps").replaceChildren(...(this.#gaps.length ? this.#gaps.map((gap) => this.#gap(gap)) : [el("li", { class: "note" }, say("noGaps"))]));
  }

  #drawTiles({ asked, people, outcomes, endings, votes, first_token_s: first, whole_s: whole }) {
    const ended = outcomes.answered + outcomes.hedged + outcomes.no_evidence + outcomes.failed;
    const cut = Object.values(endings).reduce((sum, count) => sum + count, 0);
    const seconds = (value) => (value === null ? "–" : `${value.toFixed(1)} s`);
    const tiles = [
      [asked, "asked"], [people, "people"],
      [ended ? `${Math.round((outcomes.answered * 100) / ended)} %` : "–", "answeredShare"],
      [outcomes.hedged, "hedgedCount"], [outcomes.no_evidence, "noEvidenceCount"], [outcomes.failed, "failedCount"], [cut, "cutCount"],
      [`${votes.up} / ${votes.down}`, "votesTotal"], [seconds(first.p95), "firstTokenP95"], [seconds(whole.p95), "wholeP95"],
    ];
    byId("tiles").replaceChildren(...tiles.map(([figure, word]) => el("li", { class: "tile" }, el("b", {}, String(figure)), el("span", {}, say(word)))));
  }

  /** What the model cost this month, beside its budget; a budget that is nearly spent stands at the top of the page, too. */
  #drawBudget({ month, spent, budget }) {
    const share = budget ? Math.floor((spent * 100) / budget) : 0;
    const figures = { month, spent: spent.toLocaleString(), budget: budget.toLocaleString(), share };
    byId("budget-note").textContent = say(budget ? "monthOfBudget" : "monthTokens", figures);
    byId("budget-alert").hidden = share < ALERT_PERCENT;
    byId("budget-alert").textContent = say("budgetAlert", figures);
  }

  #drawReasons(reasons) {
    const rows = Object.entries(reasons).sort(([, one], [, other]) => other - one);
    const most = Math.max(1, ...rows.map(([, count]) => count));
    const word = (reason) => (reason && has(reason) ? say(reason) : say("unsaid"));
    byId("reasons").replaceChildren(...(rows.length
      ? rows.map(([reason, count]) => el("li", {}, el("span", {}, word(reason)), el("meter", { min: 0, max: most, value: count, "aria-label": word(reason) }), el("b", {}, String(count))))
      : [el("li", { class: "note" }, say("noReasons"))]));
  }

  #drawDocuments(documents) {
    const rows = documents.map(({ title, source, cited, up, down }) => [el("span", {}, title || source, title && title !== source ? el("span", { class: "document-source" }, source) : ""), String(down), String(up), String(cited)]);
    const made = table([say("document"), say("down"), say("up"), say("cited")], rows.length ? rows : [[say("noDocuments"), "", "", ""]], [1, 2, 3]);
    byId("documents").replaceChildren(...made.children);
  }

  #gap(gap) {
    const list = (title, items) => (items.length ? el("details", {}, el("summary", {}, title), el("ul", {}, ...items.map((item) => el("li", {}, item)))) : "");
    return el("li", { class: "gap" },
      el("p", { class: "gap-question" }, gap.question),
      el("p", { class: "gap-facts" }, say("gapFacts", { ...gap, last: when(gap.last_at * 1000) })),
      ...gap.replies.map((reply) => ownerReply(reply, this.#names)),
      list(say("gapAsked"), gap.questions.length > 1 ? gap.questions : []),
      list(say("gapNearest"), gap.nearest.map(({ title, source }) => `${title} (${source})`)),
      el("div", { class: "gap-acts" },
        el("button", { type: "button", class: "ghost worded", "data-act": "verify", onclick: () => this.#verified.ofGap(gap.id) }, say("verifiedMake")),
        el("button", { type: "button", class: "ghost worded", onclick: () => this.#guarded(async () => save(await file(`gaps/${gap.id}/draft.md?days=${this.#days}`), `gap-${gap.id}.md`)) }, say("gapDraft")),
        el("button", { type: "button", class: "ghost worded", "data-act": "settle", onclick: () => this.#settle(gap) }, say("gapSettle"))),
    );
  }

  async #settle(gap) {
    const done = await post(`admin/api/gaps/${gap.id}/settle?days=${this.#days}`);
    toast(say(done ? "settled" : "notSettled"));
    if (!done) return;
    this.#gaps = this.#gaps.filter(({ id }) => id !== gap.id);
    this.#draw();
  }

  #drawTurns({ count, turns, names }, most = ROWS) {
    const seconds = (value) => (value === null ? "–" : value.toFixed(2));
    const rows = turns.slice(0, most).map((turn) => [
      when(turn.at),
      el("button", { type: "button", class: "open-turn", onclick: () => this.#guarded(() => this.#drawer.open(turn.turn_id)) }, turn.question),
      el("span", { class: "marks" }, ...marks(turn)),
      [turn.up ? `👍 ${turn.up}` : "", turn.down ? `👎 ${turn.down}` : ""].join(" ").trim(),
      person(names, turn.asker), seconds(turn.first_token_s), seconds(turn.seconds),
    ]);
    const made = table([say("time"), say("question"), say("outcome"), say("vote"), say("asker"), say("firstToken"), say("whole")], rows, [5, 6]);
    byId("turns").replaceChildren(...made.children);
    byId("turns-count").textContent = say("turnsCount", { count, shown: rows.length });
    byId("more").hidden = rows.length >= turns.length;
    byId("more").onclick = () => this.#drawTurns({ count, turns, names }, most + ROWS);
  }

  #switchLanguage() {
    const language = document.documentElement.lang === "en" ? "zh" : "en";
    setLanguage(language);
    this.#settings.setItem(LANGUAGE_KEY, language);
    this.#translate();
    this.#draw();
    this.#access.draw();
    this.#configuration.draw();
    this.#documents.draw();
    this.#decisions.draw();
    if (this.#overview) this.#loadTurns();
  }

  #translate() {
    translate(document);
    this.#verified.draw();
    document.title = say("adminTitle");
    byId("language").textContent = say("otherLanguage");
    byId("language").lang = say("otherLanguageTag");
    const option = (value, text, chosen) => el("option", { value, selected: value === chosen }, text);
    byId("days").replaceChildren(...PERIODS.map((days) => option(String(days), say("lastDays", { days }), String(this.#days))));
    const [outcome, vote] = [byId("outcome").value, byId("vote").value];
    byId("outcome").replaceChildren(option("", say("anyOutcome"), outcome), ...OUTCOMES.map((name) => option(name, outcomeWord(name), outcome)));
    byId("vote").replaceChildren(option("", say("anyVote"), vote), ...["up", "down"].map((name) => option(name, say(name), vote)));
  }
}

new Board();
