/** What happened while an answer was written, as people read it: phases, steps in words, passages, prompt, calls. */

import { el } from "../js/dom.js";
import { render } from "../js/markdown.js";
import { has, say } from "../js/texts.js";
import { outcomeWord, table } from "./parts.js";

const seconds = (value) => `${value.toFixed(2)} s`;
const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

export function timeline({ events, passages, prompt, calls }) {
  return [
    el("h3", {}, say("steps")),
    ...phases(events),
    el("ol", { class: "timeline" }, ...events.map((event) => el("li", {}, el("time", {}, seconds(event.at_s)), el("span", {}, told(event))))),
    el("h3", {}, say("passages")),
    ...(passages.length ? passages.map(passage) : [el("p", { class: "note" }, say("noPassages"))]),
    prompt.length ? el("details", {}, el("summary", {}, say("prompt")), ...prompt.map(message)) : "",
    calls.length ? el("details", {}, el("summary", {}, `${say("calls")} (${calls.length})`), platformCalls(calls)) : "",
  ];
}

/** A bar of what took how long: the search, waiting for the model, its thinking, its writing. */
function phases(events) {
  const at = (kind) => events.find((event) => event.kind === kind)?.at_s;
  const [searched, asked, thought, wrote] = ["retriever.end", "model.start", "model.first_reasoning", "model.first_token"].map(at);
  const end = events.at(-1).at_s;
  const marks = [["search", 0, searched], ["wait", asked, thought ?? wrote ?? end], ["think", thought, wrote ?? end], ["write", wrote, end]];
  const known = marks.filter(([, from, to]) => from !== undefined && to !== undefined && to > from);
  if (!known.length) return [];
  const whole = known.reduce((sum, [, from, to]) => sum + to - from, 0);
  return [
    el("div", { class: "phases", "aria-hidden": "true" }, ...known.map(([tone, from, to]) => {
      const part = el("i", { "data-tone": tone });
      part.style.flexGrow = String((to - from) / whole);
      return part;
    })),
    el("ul", { class: "legend" }, ...known.map(([tone, from, to]) => el("li", {}, el("span", { class: "swatch", "data-tone": tone }), `${say(`phase_${tone}`)} ${seconds(to - from)}`))),
  ];
}

/** A step in words. One that this page does not know keeps its name and facts. */
function told({ at_s, kind, ...facts }) {
  const name = `step_${kind.replaceAll(".", "_")}`;
  if (!has(name)) return [kind, ...Object.entries(facts).map(([fact, value]) => `${fact} ${value}`)].join(" · ");
  const words = [say(name, { ...facts, collections: facts.collections?.join(", ") ?? say("allCollections"), outcome: facts.outcome ? outcomeWord(facts.outcome) : "" })];
  if (facts.history) words.push(say("withHistory", { count: facts.history }));
  if (facts.usage) words.push(say("stepTokens", { prompt: facts.usage.prompt_tokens, completion: facts.usage.completion_tokens }));
  if (facts.citations?.length) words.push(say("stepCites", { numbers: facts.citations.map((number) => `[${number}]`).join("") }));
  if (facts.ending && has(`ending_${facts.ending}`)) words.push(say(`ending_${facts.ending}`));
  return words.join(" · ");
}

function passage({ number, title, heading_path: path, source, place, text, ...scores }) {
  const signals = [["coverage", scores.coverage], ["dense", scores.dense_score], ["lexical", scores.lexical_score], ["fused", scores.score]];
  const where = [source, place?.name].filter(Boolean).join(" · ");
  return el("div", { class: "passage" },
    el("details", {}, el("summary", {}, `[${number}] ${path || title}`), el("div", { class: "prose" }, render(text, 0, () => false, () => ""))),
    el("p", { class: "note" }, where),
    el("p", { class: "note" }, signals.map(([name, value]) => `${say(name)} ${score(value)}`).join(" · ")),
  );
}

const message = ({ role, content }) => el("div", {}, el("h4", {}, has(`role_${role}`) ? say(`role_${role}`) : role), el("pre", { tabindex: 0 }, content));

const platformCalls = (calls) => table([say("atSecond"), say("call"), say("result"), "ms"],
  calls.map(({ at_s: at, endpoint, outcome, seconds: took }) => [seconds(at), endpoint, outcome, (took * 1000).toFixed(0)]), [0, 3]);
