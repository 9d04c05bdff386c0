/** Small parts that several places of the board use. */

import { el } from "../js/dom.js";
import { has, say } from "../js/texts.js";

const LONG_REPLY_CHARS = 300;

export const OUTCOMES = ["answered", "hedged", "no_evidence", "stopped", "failed"];

export const outcomeWord = (outcome) => (outcome === "failed" ? say("failedOutcome") : OUTCOMES.includes(outcome) ? say(outcome) : outcome);

export const mark = (tone, word) => el("span", { class: "mark", "data-tone": tone }, word);

/** How an answer ended: its outcome, and how its text was cut off, if it was. */
export const marks = ({ outcome, ending, verified_by: by, verified }) => [
  mark(outcome, outcomeWord(outcome)),
  ...(by || verified?.by ? [mark("verified", `✓ ${by || verified.by}`)] : []),
  ...(ending && has(`ending_${ending}`) ? [mark("cut", say(`ending_${ending}`))] : []),
];

/** How sure the search was, in words and as the figure behind them. */
export function sureness({ level, confidence, is_calibrated: calibrated }) {
  if (!has(`level_${level}`)) return "";
  return `${say(`level_${level}`)} (${confidence.toFixed(2)}${calibrated ? `, ${say("calibrated")}` : ""})`;
}

/** A table of texts or elements; `numbers` are the columns that hold figures. */
export function table(heads, rows, numbers = []) {
  const cell = (tag) => (content, at) => el(tag, { class: numbers.includes(at) ? "number" : null, scope: tag === "th" ? "col" : null }, content);
  return el("table", {}, el("thead", {}, el("tr", {}, ...heads.map(cell("th")))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell("td"))))));
}

export const when = (iso) => new Date(iso).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });

/** Who somebody is: a name where the platform tells one, with the id at hand; a key's or program's own name otherwise. */
export const person = (names, id) => el("span", { class: "person", title: names[id] ? id : null }, names[id] ?? (has(`asker_${id}`) ? say(`asker_${id}`) : id));

/** What an owner answered in a chat; a long one is folded. */
export function ownerReply({ text, by, at }, names) {
  const facts = say("gapReplied", { by: names[by] ?? by, at: when(at * 1000) });
  return el("details", { class: "gap-reply", open: text.length <= LONG_REPLY_CHARS }, el("summary", {}, facts), el("p", {}, text));
}
