/** The chat: what is on screen, what is running, and what the person does about it. */

import { continuing, fail, fold, newAnswer, RUNNING } from "./answers.js";
import { postJson, setUpKeys } from "./api.js";
import { Composer } from "./composer.js";
import { byId, el, icon } from "./dom.js";
import { browserStorage, History, newConversation } from "./history.js";
import { KeyDialog } from "./key-dialog.js";
import { Side } from "./side.js";
import { SourceSheet } from "./source-sheet.js";
import { ask } from "./stream.js";
import { examples, say, setLanguage, translate } from "./texts.js";
import { Theme } from "./theme.js";
import { toast } from "./toast.js";
import { TurnView } from "./turn-view.js";
import { visible } from "./visible.js";

const LANGUAGE_KEY = "feishu-rag.language";
const CURRENT_KEY = "feishu-rag.current";
const TITLE_CHARS = 60;
const NEAR_END_PX = 80;

class Chat {
  #settings = browserStorage("localStorage");
  #tab = browserStorage("sessionStorage");
  #history = new History(this.#settings);
  #sheet = new SourceSheet();
  #runs = new Map(); // conversation id → {conversation, turn, answer, line: AbortController}
  #views = new Map(); // turn → its view, for the conversation on screen
  #sending = Promise.resolve(); // the last vote's request
  #current = newConversation();
  #follows = true;

  constructor() {
    const keys = new KeyDialog();
    setUpKeys(this.#tab, (wasWrong) => keys.ask(wasWrong));
    new Theme(this.#settings);
    setLanguage(this.#settings.getItem(LANGUAGE_KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
    this.composer = new Composer({ ask: (question) => this.ask(question), stop: () => this.stop() });
    this.side = new Side({ open: (id) => this.open(id), create: () => this.create(), remove: (id) => this.remove(id) });
    byId("language").addEventListener("click", () => this.#switchLanguage());
    byId("latest").addEventListener("click", () => this.#toEnd());
    byId("scroll").addEventListener("scroll", () => this.#scrolled(), { passive: true });
    addEventListener("pagehide", () => this.#runs.forEach((run) => this.#leave(run)));
    this.#history.watch((id) => this.#changedElsewhere(id));
    this.#current = this.#history.load(this.#tab.getItem(CURRENT_KEY) ?? "") ?? this.#current;
    this.#show();
    this.#refresh(this.#current.id);
  }

  ask(question) {
    const turn = { question, answers: [], shown: 0 };
    this.#current.title ||= question.replace(/\s+/g, " ").slice(0, TITLE_CHARS);
    this.#current.turns.push(turn);
    this.#follows = true;
    this.#run(this.#current, turn);
  }

  #askExample(question) {
    this.ask(question);
    this.composer.goOn(); // the example is gone with the welcome, and the focus with it
  }

  again(turn) {
    if (!this.#runs.has(this.#current.id)) this.#run(this.#current, turn);
  }

  /** Goes on with the shown answer, which was cut off. */
  goOn(turn) {
    if (this.#runs.has(this.#current.id)) return;
    this.#run(this.#current, turn, turn.answers[turn.shown]);
    this.composer.goOn(); // the button is gone, and the focus with it
  }

  stop() {
    this.#runs.get(this.#current.id)?.line.abort();
  }

  create() {
    if (this.#current.turns.length) this.#current = newConversation();
    this.#show();
    this.composer.focus();
  }

  open(id) {
    this.#current = this.#runs.get(id)?.conversation ?? this.#history.load(id) ?? newConversation();
    this.#show();
    this.#refresh(id);
    this.composer.focus();
  }

  remove(id) {
    const kept = this.#runs.get(id)?.conversation ?? this.#history.load(id);
    this.#runs.get(id)?.line.abort();
    this.#runs.delete(id);
    this.#history.remove(id);
    if (id === this.#current.id) this.create();
    else this.#showSide();
    toast(say("removed"), say("undo"), () => {
      if (kept) this.#history.save(kept);
      this.open(id);
    });
  }

  /** Brings what was voted and written elsewhere; this browser's copy stays where the server knows less. */
  async #refresh(id) {
    if (!this.#current.turns.length || this.#runs.has(id)) return;
    const fresh = await this.#history.fetch(id);
    if (!fresh || id !== this.#current.id || this.#runs.has(id)) return;
    if (JSON.stringify(fresh.turns) === JSON.stringify(this.#current.turns)) return;
    this.#current = fresh;
    this.#keep(fresh);
    this.#show();
  }

  /** Gives `{vote, reason?, comment?}` to the shown answer; one request at a time, so that the last press is what stands. */
  async vote(turn, answer, body) {
    const before = answer.vote;
    answer.vote = body.vote;
    this.#views.get(turn)?.update();
    const send = () => postJson(`chat/${encodeURIComponent(answer.id)}/feedback`, body).catch(() => null);
    const response = await (this.#sending = this.#sending.then(send));
    if (!response?.ok && answer.vote === body.vote) answer.vote = before;
    toast(say(response?.ok ? "thanks" : "voteFailed"));
    this.#keep(this.#current);
    this.#views.get(turn)?.update();
    return Boolean(response?.ok);
  }

  /** A new answer to the turn; with `cut`, one that goes on with that. */
  async #run(conversation, turn, cut = null) {
    const again = turn.answers.findLast(({ id }) => id)?.id;
    const asked = { question: turn.question, conversation_id: conversation.id, ...(cut ? { goOn: cut.id } : again ? { again } : {}) };
    const run = { conversation, turn, answer: cut ? continuing(cut) : newAnswer(), line: new AbortController() };
    turn.shown = turn.answers.push(run.answer) - 1;
    conversation.updated_at = Date.now();
    this.#runs.set(conversation.id, run);
    this.#keep(conversation);
    this.#present(turn);
    let announced = "";
    try {
      for await (const event of ask(asked, run.line.signal)) {
        fold(run.answer, event);
        if (announced !== run.answer.state) announced = this.#announce(run.answer);
        this.#views.get(turn)?.update();
      }
      if (run.line.signal.aborted && !run.left) run.answer.state = "stopped";
    } catch (error) {
      fail(run.answer, error.kind ?? "failedSaid", error.detail);
    }
    this.#ended(run);
  }

  #ended({ conversation, turn, answer, line }) {
    const removed = this.#runs.get(conversation.id)?.line !== line;
    if (!removed) {
      this.#runs.delete(conversation.id);
      conversation.updated_at = Date.now();
      this.#keep(conversation);
    }
    this.#announce(answer);
    this.#views.get(turn)?.update();
    if (conversation.id === this.#current.id) this.composer.running = false;
  }

  /** The page is going away and takes its connections along: that is no failure. */
  #leave(run) {
    run.answer.state = "interrupted";
    this.#history.save(run.conversation);
    run.left = true;
    run.line.abort();
  }

  /** Puts a new or changed turn of the conversation on screen where it belongs. */
  #present(turn) {
    const view = this.#view(turn);
    const old = this.#views.get(turn);
    this.#views.set(turn, view);
    if (old) {
      old.close();
      old.element.replaceWith(view.element);
    } else {
      byId("log").append(view.element);
    }
    this.#showFrame();
    if (this.#follows) this.#toEnd();
  }

  #view(turn) {
    return new TurnView(turn, {
      openSource: (answer, number) => this.#sheet.open(answer, number),
      again: () => this.again(turn),
      goOn: () => this.goOn(turn),
      vote: (answer, body) => this.vote(turn, answer, body),
      show: (_, version) => {
        turn.shown = version;
        this.#keep(this.#current);
        this.#present(turn);
      },
      drawn: () => this.#follows && this.#toEnd(),
    });
  }

  /** Draws everything anew: another conversation, or another language. */
  #show() {
    translate(document);
    this.#views.forEach((view) => view.close());
    this.#views = new Map(this.#current.turns.map((turn) => [turn, this.#view(turn)]));
    byId("log").replaceChildren(...[...this.#views.values()].map(({ element }) => element));
    byId("language").textContent = say("otherLanguage");
    byId("language").lang = say("otherLanguageTag");
    byId("examples").replaceChildren(...examples().map((question) =>
      el("li", {}, el("button", { type: "button", class: "example", onclick: () => this.#askExample(question) }, el("span", {}, question), icon("right")))));
    this.#tab.setItem(CURRENT_KEY, this.#current.id);
    this.#follows = true;
    this.#showFrame();
    this.#toEnd();
  }

  #showFrame() {
    const title = visible(this.#current.title || say("untitled"));
    byId("title").textContent = title;
    document.title = this.#current.title ? `${title} · ${say("product")}` : say("product");
    byId("welcome").hidden = this.#current.turns.length > 0;
    byId("log").hidden = !this.#current.turns.length;
    this.composer.running = this.#runs.has(this.#current.id);
    this.#showSide();
  }

  #showSide() {
    this.side.show(this.#history.list(), this.#current.id);
  }

  #keep(conversation) {
    if (!this.#history.save(conversation)) toast(say("full"));
  }

  #changedElsewhere(id) {
    const fresh = this.#history.load(id);
    if (id !== this.#current.id || this.#runs.has(id) || !fresh) return this.#showSide();
    this.#current = fresh;
    return this.#show();
  }

  #announce({ state, found, ending }) {
    const words = {
      retrieving: () => say("retrieving"),
      retrieved: () => (found ? say("found", { count: found }) : say("foundNone")),
      generating: () => say("generating"),
      hedged: () => say("hedgedSaid"),
      no_evidence: () => say("noEvidence"),
      stopped: () => say("stopped"),
      failed: () => say("failed"),
    };
    const said = (words[state] ?? (() => say("done")))();
    byId("status").textContent = ending && !RUNNING.has(state) ? `${said} ${say(`cut_${ending}`)}` : said;
    return state;
  }

  #switchLanguage() {
    const language = document.documentElement.lang === "en" ? "zh" : "en";
    const keys = new KeyDialog();
    setUpKeys(this.#tab, (wasWrong) => keys.ask(wasWrong));
    new Theme(this.#settings);
    setLanguage(language);
    this.#settings.setItem(LANGUAGE_KEY, language);
    this.#show();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = byId("scroll");
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    byId("latest").hidden = this.#follows;
  }

  #toEnd() {
    const scroll = byId("scroll");
    scroll.scrollTop = scroll.scrollHeight;
  }
}

new Chat();
