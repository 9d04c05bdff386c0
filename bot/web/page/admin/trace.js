/** One turn in the drawer: its versions, votes, and the trace of each. */

import { byId, el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { visible } from "../js/visible.js";
import { get } from "./data.js";
import { marks, sureness, table } from "./parts.js";

export class Drawer {
  #dialog = byId("drawer");
  #verify;

  /** `verify(turnId)` makes a verified answer of a turn. */
  constructor(verify) {
    this.#verify = verify;
    byId("drawer-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  async open(turnId) {
    const turn = await get(`turns/${encodeURIComponent(turnId)}`);
    byId("drawer-title").textContent = visible(turn.question);
    const verify = el("button", { type: "button", class: "ghost worded", "data-act": "verify", onclick: () => {
      this.#dialog.close();
      this.#verify(turnId);
    } }, say("verifiedMake"));
    byId("drawer-body").replaceChildren(verify, ...turn.answers.toReversed().map(version));
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("drawer-body").scrollTop = 0;
  }
}

function version(answer) {
  const votes = answer.votes.map(({ vote, reason, comment, voter }) =>
    el("p", {}, `${say(vote)} ${voter}${reason && has(reason) ? ` · ${say(reason)}` : ""}${comment ? ` · ${comment}` : ""}`));
  const seconds = [answer.first_token_s, answer.seconds].map((value) => (value === null ? "–" : `${value.toFixed(2)} s`));
  const facts = [say("version", answer), sureness(answer), `${say("firstToken")} ${seconds[0]}`, `${say("whole")} ${seconds[1]}`, answer.model || "–"].filter(Boolean);
  return el("section", { class: "version" },
    el("p", {}, el("span", { class: "marks" }, ...marks(answer)), ` ${facts.join(" · ")}`),
    el("h3", {}, say("answerText")),
    el("div", { class: "answer-text prose" }, render(answer.text, 0, () => false, () => "")),
    answer.notice ? el("p", { class: "note" }, answer.notice) : "",
    ...votes,
    ...(answer.trace ? traced(answer.trace) : [el("p", { class: "note" }, say("noTrace"))]),
  );
}

function traced({ events, passages, prompt, calls }) {
  const facts = ({ at_s, kind, ...rest }) => Object.entries(rest).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(" · ");
  const score = (value) => (value === null ? "–" : value.toFixed(3));
  return [
    el("h3", {}, say("steps")),
    table([say("atSecond"), say("step"), say("details")], events.map((event) => [`${event.at_s.toFixed(3)} s`, event.kind, facts(event)]), [0]),
    el("h3", {}, say("passages")),
    table(["#", say("passageScore"), say("coverage"), say("fused"), say("dense"), say("lexical")], passages.map((passage) => [
      String(passage.number),
      el("details", {}, el("summary", {}, passage.heading_path || passage.title), el("pre", {}, passage.text)),
      score(passage.coverage), score(passage.score), score(passage.dense_score), score(passage.lexical_score),
    ]), [0, 2, 3, 4, 5]),
    prompt.length ? el("details", {}, el("summary", {}, say("prompt")), ...prompt.map(({ role, content }) => el("pre", { tabindex: 0 }, `${role}\n\n${content}`))) : "",
    calls.length ? el("details", {}, el("summary", {}, `${say("calls")} (${calls.length})`), table([say("atSecond"), say("call"), say("result"), "ms"], calls.map(({ at_s, endpoint, outcome, seconds }) => [`${at_s.toFixed(2)} s`, endpoint, outcome, (seconds * 1000).toFixed(0)]), [0, 3])) : "",
  ];
}
