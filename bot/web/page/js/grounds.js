/** What an answer says about itself: what stands behind it, how sure that is, and how it ended. */

import { canGoOn, isCourtesy } from "./answers.js";
import { el, icon } from "./dom.js";
import { has, say } from "./texts.js";
import { visible } from "./visible.js";

/** That sources stand behind it, and how sure the search is: in words, as a percentage only where that means something. */
export function assurance(answer) {
  if (answer.state !== "answered" || isCourtesy(answer)) return null;
  if (answer.verified) return vouched(answer.verified);
  const level = answer.level ? say(`level_${answer.level}`) : "";
  const sure = answer.calibrated ? say("percent", { percent: Math.round(answer.confidence * 100) }) : level;
  return el("span", { class: "assurance" }, icon("check"), [say("grounded"), sure].filter(Boolean).join(" · "));
}

/** Who stands for it, and until when. */
function vouched({ by, until }) {
  const day = until === null ? "" : say("verifiedUntil", { date: new Date(until * 1000).toLocaleDateString(document.documentElement.lang) });
  return el("span", { class: "assurance verified" }, icon("check"), [say("verifiedBy", { name: visible(by) }), day].filter(Boolean).join(" · "));
}

/** What is said between text and sources once it has ended: also whether an earlier version, `before`, was verified and
 * this one is not. `goOn` continues a text that was cut off. */
export function notices(answer, before, goOn) {
  const said = [];
  if (!answer.verified && before.some(({ verified }) => verified)) said.push(hint(say("fromDocuments")));
  if (answer.anew) said.push(hint(say("anew")));
  said.push(...ended(answer));
  if (answer.ending) said.push(cut(answer, goOn));
  return said;
}

const hint = (text) => el("p", { class: "notice quiet" }, text);

function ended({ state, model, text, failure }) {
  if (state === "stopped") return [hint(say(text ? "stopped" : "stoppedEmpty"))];
  if (state === "interrupted") return [hint(say("interrupted"))];
  if (state === "no_evidence") return [told("no_evidence", "search", say("noEvidence"), say("noEvidenceAdvice"))];
  if (state === "hedged" && model) return [told("hedged", "alert", say("hedgedModel"), say("hedgedModelLine"))];
  if (state === "hedged") return [told("hedged", "search", say("hedgedQuotes"), say("hedgedQuotesLine"))];
  if (state !== "failed") return [];
  const reason = failure?.detail.replace(/^⚠️\s*/, "") || say(has(failure?.kind) ? failure.kind : "failedSaid");
  return [told("failed", "alert", say("failed"), text ? `${reason}\n${say("failedPartial")}` : reason)];
}

function told(tone, mark, title, line) {
  return el("div", { class: tone === "failed" ? "notice bad" : "notice", "data-tone": tone }, icon(mark), el("div", {}, el("strong", {}, title), el("p", {}, line)));
}

/** That the text was cut off, and where the model can go on, the button for it. */
function cut(answer, goOn) {
  const go = el("button", { type: "button", class: "ghost worded", "data-act": "goOn", onclick: goOn }, icon("play"), say("goOn"));
  return el("div", { class: "notice", "data-tone": "cut" }, icon("cut"), el("p", {}, say(`cut_${answer.ending}`)), canGoOn(answer) ? go : null);
}
