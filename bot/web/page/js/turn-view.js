/** One question and its answer, as elements. Draws at most once a frame, and less often when drawing is slow. */

import { isCourtesy, OUTCOMES, RUNNING } from "./answers.js";
import { el, icon } from "./dom.js";
import { assurance, notices } from "./grounds.js";
import { render, replaceChanged } from "./markdown.js";
import { sourceGroups } from "./source-list.js";
import { say } from "./texts.js";
import { visible } from "./visible.js";

const SLOW_DRAW_FACTOR = 4;
const REASONS = ["off_topic", "outdated", "incomplete", "wrong_source", "other"];

export class TurnView {
  #turn;
  #acts;
  #drawn = "";
  #pending = 0;
  #pauseMs = 0;
  #ticking = 0;
  #presses = 0; // on 👍 or 👎: only what came last goes on after its answer

  /** `acts`: `{openSource(answer, number), again(turn), goOn(turn), vote(answer, body), show(turn, version), drawn()}`. */
  constructor(turn, acts) {
    this.#turn = turn;
    this.#acts = acts;
    this.stages = el("ol", { class: "stages" });
    this.thinking = el("summary");
    this.thoughts = el("div", { class: "thoughts" });
    this.reasoning = el("details", { class: "reasoning", hidden: true }, this.thinking, this.thoughts);
    this.text = el("div", { class: "prose" });
    this.notice = el("div", { class: "notice-place" });
    this.sources = el("div", { class: "sources" });
    this.foot = el("footer", { class: "foot" });
    this.why = el("div", { class: "why-place" });
    this.article = el(
      "article",
      { class: "answer", onclick: (event) => this.#clicked(event) },
      this.stages, this.reasoning, this.text, this.notice, this.sources, this.foot, this.why,
    );
    this.element = el(
      "div",
      { class: "turn" },
      el("h2", { class: "question" }, el("span", { class: "unseen" }, say("you")), turn.question),
      this.article,
    );
    this.#draw();
  }

  /** Something changed: draw soon; at once when the answer has ended. */
  update() {
    if (!RUNNING.has(this.#answer.state)) {
      this.close();
      this.#draw();
    } else if (!this.#pending) {
      this.#pending = setTimeout(() => requestAnimationFrame(() => {
        this.#pending = 0;
        this.#draw();
      }), this.#pauseMs);
    }
  }

  /** Stops everything that would draw later. */
  close() {
    clearTimeout(this.#pending);
    clearInterval(this.#ticking);
    this.#pending = this.#ticking = 0;
  }

  get #answer() {
    return this.#turn.answers[this.#turn.shown];
  }

  #draw() {
    const started = performance.now();
    const answer = this.#answer;
    const running = RUNNING.has(answer.state);
    this.article.dataset.state = answer.state;
    this.article.toggleAttribute("data-courtesy", isCourtesy(answer));
    this.article.setAttribute("aria-busy", String(running));
    this.#drawStages(answer, running);
    this.#drawReasoning(answer, running);
    this.#drawText(answer, running);
    this.notice.replaceChildren(...(running ? [] : notices(answer, this.#turn.answers.slice(0, this.#turn.shown), () => this.#acts.goOn(this.#turn))));
    if (running) {
      this.sources.replaceChildren();
      this.foot.replaceChildren();
    } else {
      this.sources.replaceChildren(...sourceGroups(answer));
      this.foot.replaceChildren(...this.#feet(answer));
    }
    this.#pauseMs = (performance.now() - started) * SLOW_DRAW_FACTOR;
    this.#acts.drawn();
  }

  #drawStages(answer, running) {
    this.stages.hidden = !running;
    if (!running) return;
    const at = ["retrieving", "retrieved", "generating"].indexOf(answer.state);
    const steps = [say("retrieving")];
    if (at >= 1) steps.push(answer.found ? say("found", { count: answer.found }) : say("foundNone"));
    if (at >= 1) steps.push(say("generating"));
    const items = steps.map((step, index) => {
      const active = index === steps.length - 1;
      return el("li", { class: active ? "now" : "past" }, active ? el("span", { class: "pulse" }) : icon("check"), step);
    });
    this.clock = el("span", { class: "clock", "aria-hidden": "true" });
    items.at(-1).append(this.clock);
    this.stages.replaceChildren(...items);
    this.#tick();
    this.#ticking ||= setInterval(() => this.#tick(), 1000);
  }

  #tick() {
    const seconds = Math.floor((Date.now() - this.#answer.asked_at) / 1000);
    this.clock.textContent = seconds >= 2 ? say("waiting", { seconds }) : "";
  }

  #drawReasoning(answer, running) {
    this.reasoning.hidden = !answer.reasoning;
    this.thinking.textContent = say(running && !answer.text ? "thinking" : "reasoning");
    const thoughts = visible(answer.reasoning);
    if (this.thoughts.textContent !== thoughts) this.thoughts.textContent = thoughts;
  }

  #drawText(answer, running) {
    this.text.hidden = !answer.text;
    const known = answer.sources.length || answer.found || 0;
    const numbers = new Set(answer.sources.map(({ number }) => number));
    const key = `${document.documentElement.lang} ${known} ${numbers.size} ${answer.text}`;
    this.text.classList.toggle("growing", running);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const label = (number) => say("openCitation", { number });
    replaceChanged(this.text, render(answer.text, known, (number) => numbers.has(number), label));
  }

  #feet(answer) {
    const facts = [
      assurance(answer),
      answer.seconds === null || answer.seconds < 0.05 ? "" : say("seconds", { seconds: answer.seconds.toFixed(1) }),
      answer.model || (answer.verified ? "" : ["answered", "hedged"].includes(answer.state) && !isCourtesy(answer) ? say("extractive") : ""),
      answer.tokens ? say("tokens", { count: answer.tokens }) : "",
    ].filter(Boolean);
    return [
      el("div", { class: "acts" },
        ...(isCourtesy(answer) ? [] : [...this.#voteButtons(answer), this.#againButton(answer)]),
        answer.text && navigator.clipboard ? button("copy", "copy", (event) => copy(event.currentTarget, answer.text)) : null,
        this.#versions(),
      ),
      el("span", { class: "facts" }, ...facts.flatMap((fact, at) => (at ? [" · ", fact] : [fact]))),
    ];
  }

  /** 👍 and 👎, where there is something to judge and the server knows it. */
  #voteButtons(answer) {
    if (!answer.id || ![...OUTCOMES, "stopped"].includes(answer.state)) return [];
    return ["up", "down"].map((vote) => {
      const act = button(`thumb-${vote}`, vote, () => this.#vote(answer, vote));
      act.setAttribute("aria-pressed", String(answer.vote === vote));
      return act;
    });
  }

  async #vote(answer, vote) {
    const press = ++this.#presses;
    this.why.replaceChildren();
    const stored = await this.#acts.vote(answer, { vote });
    if (press !== this.#presses) return;
    if (stored && vote === "down") this.#askWhy(answer);
    else this.foot.querySelector(`[data-act="${vote}"]`)?.focus();
  }

  /** Why 👎: one press on a reason is enough; a comment may follow it. */
  #askWhy(answer) {
    const comment = el("input", { type: "text", class: "why-comment", maxlength: 1000, placeholder: say("whyComment"), "aria-label": say("whyComment") });
    const give = async (reason) => {
      const stored = await this.#acts.vote(answer, { vote: "down", reason, comment: comment.value.trim() });
      if (stored) this.why.replaceChildren();
      this.foot.querySelector('[data-act="down"]')?.focus();
    };
    const reasons = REASONS.map((reason) =>
      el("button", { type: "button", class: "reason", "data-reason": reason, onclick: () => give(reason) }, say(reason)));
    const form = el("form", { class: "why", role: "group", "aria-label": say("why") },
      el("p", {}, say("why")), el("div", { class: "reasons" }, ...reasons), comment,
      el("button", { type: "submit", class: "ghost worded" }, say("sendComment")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (comment.value.trim()) give("other");
    });
    this.why.replaceChildren(form);
    reasons[0].focus();
    this.#acts.drawn();
  }

  /** In words where asking again is what one wants next. */
  #againButton({ state }) {
    const again = button("again", "again", () => this.#acts.again(this.#turn));
    if (OUTCOMES.includes(state)) return again;
    again.classList.add("worded");
    again.append(say("again"));
    return again;
  }

  #versions() {
    const { answers, shown } = this.#turn;
    if (answers.length < 2) return null;
    const step = (name, label, to) => {
      const act = button(name, label, () => this.#acts.show(this.#turn, to));
      act.disabled = to < 0 || to >= answers.length;
      return act;
    };
    return el("span", { class: "versions", role: "group", "aria-label": say("versions") },
      step("left", "previousVersion", shown - 1),
      el("span", {}, say("version", { shown: shown + 1, count: answers.length })),
      step("right", "nextVersion", shown + 1),
    );
  }

  #clicked(event) {
    const opener = event.target.closest("[data-source]");
    if (opener) this.#acts.openSource(this.#answer, Number(opener.dataset.source));
  }
}

function button(name, label, onclick) {
  return el("button", { type: "button", class: "ghost small", "data-act": label, title: say(label), "aria-label": say(label), onclick }, icon(name));
}

async function copy(pressed, text) {
  await navigator.clipboard.writeText(text).catch(() => null);
  pressed.replaceChildren(icon("check"));
  pressed.title = say("copied");
  setTimeout(() => pressed.replaceChildren(icon("copy")), 1600);
}
