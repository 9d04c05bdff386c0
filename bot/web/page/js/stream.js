/** Asks the bot and yields its events. */

import { postJson } from "./api.js";
import { EventParser } from "./sse.js";

/** The server sends a heartbeat every 15 s; three missed ones mean that the connection is dead. */
const SILENCE_MS = 50_000;

/** Asking failed before or during the stream. `kind` is a key of the texts; `detail` what the server said, if anything. */
export class AskFailed extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
  }
}

/**
 * Yields `{name, data}`: first `begun` with the answer's id, then what the server sends until `done` or `error`.
 * `asked` is `{question, conversation_id}`, and `again` with the id of the answer to write anew, or `goOn` with that of the
 * one to go on with (where the server has forgotten it, the question is asked as a new one). Raises `AskFailed`; returns once `signal` is aborted.
 */
export async function* ask(asked, signal) {
  const line = new AbortController();
  const hangUp = () => line.abort();
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    const response = await post(asked, line.signal);
    yield { name: "begun", data: { answer_id: response.headers.get("X-Answer-Id") ?? "" } };
    for await (const event of events(response, line)) {
      yield event;
      if (event.name === "done" || event.name === "error") return;
    }
    throw new AskFailed("failedBroken");
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof AskFailed ? error : new AskFailed("failedConnection");
  } finally {
    signal.removeEventListener("abort", hangUp);
    line.abort();
  }
}

async function post({ again, goOn, ...question }, signal) {
  const options = { headers: { Accept: "text/event-stream" }, signal };
  const act = goOn ? `${encodeURIComponent(goOn)}/continue` : again ? `${encodeURIComponent(again)}/regenerate` : "";
  let response = act ? await postJson(`chat/${act}`, {}, options) : null;
  if (!response || response.status === 404) response = await postJson("chat/stream", question, options);
  if (response.ok && response.body) return response;
  if (response.status === 409) throw new AskFailed("failedNotCut");
  throw new AskFailed(kindOf(response.status), await said(response));
}

function kindOf(status) {
  if (status === 401 || status === 403) return "failedRefused";
  if (status === 422 || status === 400 || status === 413) return "failedInvalid";
  if (status === 429) return "failedBusy";
  return "failedServer";
}

/** The server's own sentence in a JSON error body, or "". */
async function said(response) {
  try {
    const body = await response.json();
    const message = body?.error?.message ?? body?.message;
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}

async function* events(response, line) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for (;;) {
    const silence = setTimeout(() => line.abort(), SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    for (const { name, data } of parser.feed(decoder.decode(value, { stream: true }))) {
      yield { name, data: JSON.parse(data) };
    }
  }
}
