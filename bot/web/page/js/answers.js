/** One answer while it grows and after: plain values that survive JSON. */

import { webAddress } from "./visible.js";

export const RUNNING = new Set(["retrieving", "retrieved", "generating"]);
/** What stands behind an answer: cited passages, nothing that can be named, or the documents do not answer. */
export const OUTCOMES = ["answered", "hedged", "no_evidence"];
const ENDED = new Set([...OUTCOMES, "stopped", "failed", "interrupted"]);
const LEVELS = ["high", "medium", "low"];
const ENDINGS = ["length", "broken", "filtered", "overloaded"];

/** `state` is a running or an ended one; `failure` is `{kind, detail}` when it is "failed". */
export function newAnswer() {
  return {
    id: "",
    state: "retrieving",
    vote: "",
    asked_at: Date.now(),
    found: null,
    text: "",
    reasoning: "",
    sources: [],
    failure: null,
    model: "",
    tokens: 0,
    seconds: null,
    level: "",
    confidence: 0,
    calibrated: false,
    ending: "",
    carried: "",
    anew: false,
    verified: null,
  };
}

/** One that goes on from an answer that was cut: its text stands there until the server says it again, longer. */
export function continuing({ text, sources, ending }) {
  return { ...newAnswer(), text, sources, ending, carried: text };
}

/** Whether its text was cut where the model can go on: not by a content filter. */
export const canGoOn = ({ id, text, state, ending }) =>
  Boolean(id && text) && state !== "no_evidence" && ENDINGS.includes(ending) && ending !== "filtered";

/** Kind words for a greeting or thanks: no document was asked, and there is nothing to judge. */
export const isCourtesy = ({ state, sources, verified }) => state === "answered" && !sources.length && !verified;

/** Applies one server event in place. Unknown events are ignored: a newer server may send more. */
export function fold(answer, { name, data }) {
  if (name === "begun") {
    answer.id = data.answer_id;
  } else if (name === "stage") {
    answer.state = RUNNING.has(data.stage) ? data.stage : answer.state;
    answer.found = data.found ?? answer.found;
  } else if (name === "reasoning") {
    answer.reasoning += data.text;
  } else if (name === "token") {
    answer.text = answer.carried ? data.text : answer.text + data.text;
    answer.anew ||= !data.text.startsWith(answer.carried);
    answer.carried = "";
  } else if (name === "replace") {
    answer.text = data.text;
  } else if (name === "sources") {
    answer.sources = data.sources.map(source).filter(Boolean);
  } else if (name === "done") {
    answer.state = OUTCOMES.includes(data.outcome) ? data.outcome : data.answered ? "answered" : "no_evidence";
    Object.assign(answer, grounds(data));
    answer.id = data.answer_id || answer.id;
    answer.model = data.model ?? "";
    answer.seconds = data.seconds ?? null;
    answer.tokens = tokens(data.usage);
  } else if (name === "error") {
    fail(answer, "failedSaid", data.message);
  }
}

/** How sure the search is, in the server's words or in ours, how the text was cut off, and who stands for it. */
function grounds({ confidence_level, level = confidence_level, confidence, calibrated, ending, verified }) {
  return {
    verified: typeof verified?.by === "string" && verified.by ? { by: verified.by, until: Number.isFinite(verified.until) ? verified.until : null } : null,
    level: LEVELS.includes(level) ? level : "",
    confidence: Number(confidence) || 0,
    calibrated: Boolean(calibrated),
    ending: ENDINGS.includes(ending) ? ending : "",
  };
}

function tokens(usage) {
  return Object.values(usage ?? {}).reduce((sum, count) => sum + (Number(count) || 0), 0);
}

/** An answer as the server stored it. `known` is what this browser knows of the same one, if anything. */
export function told(stored, known) {
  const open = stored.outcome === "open" || (stored.outcome === "stopped" && known?.state === "interrupted");
  const answer = revive({
    ...(known ?? {}),
    ...stored,
    level: stored.confidence_level,
    id: stored.answer_id,
    state: open ? "interrupted" : stored.outcome,
    text: stored.answer || known?.text,
    asked_at: known?.asked_at,
    failure: stored.outcome === "failed" ? { kind: "failedSaid", detail: stored.notice } : null,
    tokens: tokens(stored.usage),
    vote: stored.vote ?? "",
  });
  return answer;
}

export function fail(answer, kind, detail = "") {
  answer.state = "failed";
  answer.failure = { kind, detail: String(detail ?? "") };
}

/** An answer as the browser's storage gave it back; null when it is not one. What was running has been cut off. */
export function revive(stored) {
  if (typeof stored !== "object" || stored === null) return null;
  const text = (value) => (typeof value === "string" ? value : "");
  return {
    ...newAnswer(),
    id: text(stored.id),
    vote: ["up", "down"].includes(stored.vote) ? stored.vote : "",
    state: ENDED.has(stored.state) ? stored.state : "interrupted",
    asked_at: Number(stored.asked_at) || 0,
    found: Number.isInteger(stored.found) ? stored.found : null,
    text: text(stored.text),
    reasoning: text(stored.reasoning),
    sources: (Array.isArray(stored.sources) ? stored.sources : []).map(source).filter(Boolean),
    failure: stored.failure ? { kind: text(stored.failure.kind), detail: text(stored.failure.detail) } : null,
    model: text(stored.model),
    tokens: Number(stored.tokens) || 0,
    seconds: Number.isFinite(stored.seconds) ? stored.seconds : null,
    ...grounds(stored),
    anew: Boolean(stored.anew),
  };
}

/** Flat, from the server's form (`{id, title, text, link, metadata}`) or from our own. */
function source(given) {
  if (given?.metadata) given = { ...given.metadata, title: given.title, snippet: given.text, link: given.link, link_at_place: given.link_at_place };
  if (!Number.isInteger(given?.number)) return null;
  const text = (value) => (typeof value === "string" ? value : "");
  return {
    number: given.number,
    title: text(given.title),
    heading_path: text(given.heading_path),
    snippet: text(given.snippet),
    source: text(given.source),
    link: webAddress(text(given.link)),
    link_at_place: webAddress(text(given.link_at_place)),
    cited: Boolean(given.cited),
  };
}
