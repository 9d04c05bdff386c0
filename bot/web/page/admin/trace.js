/** One question in the drawer: who asked it when, its versions with their votes, and how each was written. */

import { byId, el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { visible } from "../js/visible.js";
import { get } from "./data.js";
import { marks, person, sureness, when } from "./parts.js";
import { timeline } from "./timeline.js";

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
    const asked = el("p", { class: "note" }, person(turn.names, turn.asker), ` · ${when(turn.created_at * 1000)} · ${say(has(`chat_${turn.chat_type}`) ? `chat_${turn.chat_type}` : "chat_group")}`);
    const verify = el("button", { type: "button", class: "ghost worded", "data-act": "verify", onclick: () => {
      this.#dialog.close();
      this.#verify(turnId);
    } }, say("verifiedMake"));
    byId("drawer-body").replaceChildren(asked, verify, ...turn.answers.toReversed().map((answer) => version(answer, turn.names)));
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("drawer-body").scrollTop = 0;
  }
}

function version(answer, names) {
  const votes = answer.votes.map(({ vote, reason, comment, voter }) =>
    el("p", {}, `${say(vote)} `, person(names, voter), `${reason && has(reason) ? ` · ${say(reason)}` : ""}${comment ? ` · ${comment}` : ""}`));
  const seconds = [answer.first_token_s, answer.seconds].map((value) => (value === null ? "–" : `${value.toFixed(2)} s`));
  const facts = [say("version", answer), sureness(answer), `${say("firstToken")} ${seconds[0]}`, `${say("whole")} ${seconds[1]}`, answer.model || "–"].filter(Boolean);
  return el("section", { class: "version" },
    el("p", {}, el("span", { class: "marks" }, ...marks(answer)), ` ${facts.join(" · ")}`),
    el("h3", {}, say("answerText")),
    el("div", { class: "answer-text prose" }, render(answer.text, 0, () => false, () => "")),
    answer.notice ? el("p", { class: "note" }, answer.notice) : "",
    ...votes,
    ...(answer.trace ? timeline(answer.trace) : [el("p", { class: "note" }, say("noTrace"))]),
  );
}
