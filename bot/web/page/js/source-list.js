/** The passages below an answer: those that it cites, or those that came nearest. */

import { el } from "./dom.js";
import { say } from "./texts.js";

export function sourceGroups(answer) {
  if (!answer.sources.length) return [];
  const cited = answer.sources.filter((source) => source.cited);
  const others = answer.sources.filter((source) => !source.cited);
  const title = say(["hedged", "no_evidence"].includes(answer.state) ? "nearest" : "sources");
  if (answer.state === "no_evidence" || !cited.length) return [group(title, answer.sources)];
  const rest = others.length
    ? el("details", { class: "others" }, el("summary", {}, say("otherSources", { count: others.length })), list(others))
    : null;
  return [group(title, cited), rest].filter(Boolean);
}

function group(title, given) {
  return el("section", {}, el("h3", { class: "sources-title" }, title), list(given));
}

function list(given) {
  return el("ul", { class: "source-list" }, ...given.map((source) => {
    const { number } = source;
    const title = source.title || source.source || say("sourceTitle", { number });
    return el("li", {}, el(
      "button",
      { type: "button", class: "source", "data-source": number },
      el("span", { class: "unseen" }, say("openSource")),
      el("span", { class: "source-number" }, String(number)),
      el("span", { class: "source-words" }, el("span", { class: "source-title" }, title), el("span", { class: "source-snippet" }, below(source) || source.snippet)),
    ));
  }));
}

/** The heading path without the document's own title. */
export function below({ title, heading_path: path }) {
  const parts = path.split(" > ").filter((part) => part && part !== title);
  return parts.join(" › ");
}
