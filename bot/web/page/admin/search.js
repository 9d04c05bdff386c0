/** What would be found for a question, and why; what moved since it was searched before. */

import { el } from "../js/dom.js";
import { has, say, translate } from "../js/texts.js";
import { postBody } from "./data.js";
import { mark, table, when } from "./parts.js";
import { placed } from "./passages.js";

const SIGNALS = ["match", "standing", "coverage", "first_coverage", "key_coverage", "match_margin", "standing_margin"];
const TONES = { none: "no_evidence", weak: "hedged", strong: "answered" };

export class Search {
  #asked = null; // {question, collections}
  #found = null;
  #before = null;
  #question = el("textarea", { id: "trial-question", required: true, maxlength: "4000", rows: "2" });
  #collection = el("select", { id: "trial-collection" });
  #said = el("div", { class: "trial-said", id: "trial-said", role: "status" });

  constructor(place) {
    const form = el("form", { class: "trial-form", id: "trial-form" },
      el("label", { for: "trial-question", "data-text": "trialQuestion" }), this.#question,
      el("div", { class: "filters" }, el("label", { class: "unseen", for: "trial-collection", "data-text": "filterCollection" }), this.#collection,
        el("button", { type: "submit", class: "ghost worded", "data-text": "trialSearch" })));
    place.append(el("h2", { id: "trial-title", "data-text": "trialTitle" }), el("p", { class: "note", "data-text": "trialNote" }), form, this.#said);
    translate(place);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search({ question: this.#question.value.trim(), collections: this.#collection.value ? [this.#collection.value] : [] });
    });
    this.#question.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
  }

  showCollections(collections) {
    const chosen = this.#collection.value;
    this.#collection.replaceChildren(el("option", { value: "" }, say("anyCollection")), ...collections.map(({ name }) => el("option", { value: name, selected: name === chosen }, name)));
  }

  /** The same question once more, because the documents changed. */
  async again() {
    if (this.#asked) await this.#search(this.#asked);
  }

  draw() {
    if (this.#found) this.#said.replaceChildren(...result(this.#found, this.#before));
  }

  async #search(asked) {
    if (!asked.question) return;
    const isSame = JSON.stringify(asked) === JSON.stringify(this.#asked);
    try {
      const found = { ...(await postBody("admin/api/library/search", asked)), at: Date.now() };
      this.#before = isSame ? this.#found : null;
      [this.#asked, this.#found] = [asked, found];
      this.draw();
    } catch (error) {
      this.#said.replaceChildren(el("p", { class: "failure" }, error.said || say("loadFailed")));
    }
  }
}

const verdictWords = ({ evidence, has_model: hasModel }) => say(`verdict_${evidence}${hasModel && evidence !== "none" ? "_model" : ""}`);

function result(found, before) {
  const moves = before ? moved(before.passages, found.passages) : null;
  const hasVectors = found.passages.some(({ dense_rank: rank }) => rank !== null);
  return [
    el("p", { class: "verdict" }, mark(TONES[found.evidence], verdictWords(found)), ` ${sureness(found)}`),
    moves ? compared(found, before, moves) : "",
    found.signals ? signals(found) : "",
    found.passages.length ? el("ol", { class: "found" }, ...found.passages.map((passage) => line(passage, hasVectors, moves?.of.get(passage)))) : el("p", { class: "note" }, say("foundNothing")),
    moves?.gone.length ? el("details", { open: true }, el("summary", {}, say("goneTitle")), el("ol", { class: "found gone" }, ...moves.gone.map((passage) => line(passage, hasVectors)))) : "",
  ].filter(Boolean);
}

function sureness({ confidence, level, is_calibrated: calibrated }) {
  return say(calibrated ? "trialCalibrated" : "trialSureness", { confidence: confidence.toFixed(2), level: has(`level_${level}`) ? say(`level_${level}`) : level });
}

function signals({ signals: values, confidence, is_calibrated: calibrated }) {
  const { floors, has_dense: dense } = values;
  const number = (value) => (typeof value === "number" ? value.toFixed(2) : "");
  const shown = SIGNALS.filter((name) => dense || !name.startsWith("standing"));
  const rows = shown.map((name) => [say(`signal_${name}`), number(values[name]), number(floors[name])]);
  if (calibrated) rows.unshift([say("signal_confidence"), number(confidence), number(floors.confidence)]);
  const note = dense ? (calibrated ? "" : say("bothFloors")) : say("wordsOnly");
  return el("details", { class: "signals" }, el("summary", {}, say("signalsTitle")),
    el("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": say("signalsTitle") }, table([say("signal"), say("signalValue"), say("signalFloor")], rows, [1, 2])),
    note ? el("p", { class: "note" }, note) : "");
}

/** Where each passage of now stood before: `of` a passage says how it moved, `gone` are those that are no more. */
export function moved(before, after) {
  const isOf = (one, other) => one.collection === other.collection && one.source === other.source && one.headings === other.headings;
  const left = new Map(before.map((passage, at) => [passage, at]));
  const take = (fits) => {
    const found = [...left].find(([passage]) => fits(passage));
    if (found) left.delete(found[0]);
    return found;
  };
  const same = new Map(after.map((passage) => [passage, take(({ id, text }) => id === passage.id && text === passage.text)]));
  const of = new Map(after.map((passage, at) => {
    if (same.get(passage)) return [passage, { how: step(same.get(passage)[1] - at), places: Math.abs(same.get(passage)[1] - at) }];
    return [passage, { how: take((other) => isOf(other, passage)) ? "changed" : "new", places: 0 }];
  }));
  return { of, gone: [...left.keys()] };
}

const step = (places) => (places > 0 ? "up" : places < 0 ? "down" : "same");

function compared(found, before, { of, gone }) {
  const count = (...ways) => [...of.values()].filter(({ how }) => ways.includes(how)).length;
  const counts = { fresh: count("new"), moved: count("up", "down"), changed: count("changed"), gone: gone.length };
  const isOther = verdictWords(found) !== verdictWords(before);
  const hasMoved = Object.values(counts).some(Boolean);
  const words = [
    say("comparedWith", { at: when(before.at) }),
    isOther ? say("comparedVerdict", { before: verdictWords(before), after: verdictWords(found) }) : "",
    hasMoved ? say("comparedCounts", counts) : isOther ? "" : say("comparedNothing"),
  ];
  return el("p", { class: "compared" }, words.filter(Boolean).join(" "));
}

function line(passage, hasVectors, move) {
  const rank = (place, score, found, missing) => (place === null ? say(missing) : say(found, { rank: place, score: score.toFixed(2) }));
  const scores = [
    rank(passage.lexical_rank, passage.lexical_score, "scoreWords", "notByWords"),
    hasVectors ? rank(passage.dense_rank, passage.dense_score, "scoreDense", "notByDense") : "",
    passage.rerank_score === null ? "" : say("scoreRerank", { score: passage.rerank_score.toFixed(2) }),
    say("scoreCoverage", { share: Math.round(passage.coverage * 100) }),
    say("scoreFused", { score: passage.score.toFixed(3) }),
    passage.joined ? say("joinedWith", { count: passage.joined }) : "",
  ];
  const where = [passage.headings || passage.title, placed(passage.place)].filter(Boolean).join(" · ");
  return el("li", { "data-moved": move?.how ?? null },
    el("p", { class: "found-where" }, el("b", {}, where), " ", move && move.how !== "same" ? el("span", { class: "mark moved", "data-how": move.how }, say(`moved_${move.how}`, move)) : "",
      el("span", { class: "document-source" }, `${passage.source} · ${passage.collection}`)),
    el("p", { class: "found-scores" }, scores.filter(Boolean).join(" · ")),
    el("details", { class: "found-text", open: true }, el("summary", {}, say("passageText")), el("p", { class: "passage-text" }, ...highlighted(passage))),
    passage.duplicates.length ? el("p", { class: "note" }, say("sameIn", { sources: passage.duplicates.join(", ") })) : "");
}

/** The text with what matches the question marked; the server counts characters as Unicode does. */
function highlighted({ text, spans }) {
  const characters = Array.from(text);
  const cut = (from, to) => characters.slice(from, to).join("");
  const parts = [];
  let at = 0;
  for (const [start, end] of spans) {
    parts.push(cut(at, start), el("mark", {}, cut(start, end)));
    at = end;
  }
  return [...parts, cut(at)];
}
