/** The conversations of this browser, in localStorage, one key each, so that two tabs do not overwrite each other. */

import { revive, told } from "./answers.js";
import { request } from "./api.js";

const PREFIX = "feishu-rag.chat.";
const MAX_CONVERSATIONS = 60;

export function newConversation() {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, "0")).join("");
  return { id, title: "", updated_at: Date.now(), turns: [] };
}

export class History {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  /** Newest first, without their turns' answers being trusted: see `load`. */
  list() {
    return this.#ids()
      .map((id) => this.load(id))
      .filter((conversation) => conversation?.turns.length)
      .sort((one, other) => other.updated_at - one.updated_at);
  }

  /** The conversation, or null when there is none or it cannot be read. */
  load(id) {
    try {
      return conversation(id, JSON.parse(this.#storage.getItem(PREFIX + id)));
    } catch {
      return null;
    }
  }

  /** Keeps it; the oldest ones give way. False when this browser has no room for it. */
  save(kept) {
    const older = this.list().filter(({ id }) => id !== kept.id);
    for (const { id } of older.splice(MAX_CONVERSATIONS - 1)) this.remove(id);
    for (;;) {
      try {
        this.#storage.setItem(PREFIX + kept.id, JSON.stringify(kept));
        return true;
      } catch {
        const oldest = older.pop();
        if (!oldest) return false;
        this.remove(oldest.id);
      }
    }
  }

  /** The conversation as the server knows it, with what only this browser knows; null when the server knows nothing. */
  async fetch(id) {
    const response = await request(`chat/conversations/${encodeURIComponent(id)}`).catch(() => null);
    if (!response?.ok) return null;
    const { turns } = await response.json();
    const kept = this.load(id);
    if (!kept || !turns.length || turns.length < kept.turns.length) return null;
    const known = new Map(kept.turns.flatMap(({ answers }) => answers).map((answer) => [answer.id, answer]));
    return {
      ...kept,
      turns: turns.map(({ question, answers }, at) => {
        const fresh = answers.map((answer) => told(answer, known.get(answer.answer_id)));
        const shown = kept.turns[at]?.answers.length === fresh.length ? kept.turns[at].shown : fresh.length - 1;
        return { question, answers: fresh, shown };
      }),
    };
  }

  remove(id) {
    this.#storage.removeItem(PREFIX + id);
  }

  /** Calls `changed(id)` when another tab wrote or removed a conversation. */
  watch(changed) {
    addEventListener("storage", ({ key }) => {
      if (key?.startsWith(PREFIX)) changed(key.slice(PREFIX.length));
    });
  }

  #ids() {
    return Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index))
      .filter((key) => key?.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  }
}

function conversation(id, stored) {
  if (typeof stored !== "object" || stored === null || !Array.isArray(stored.turns)) return null;
  const turns = stored.turns.map(turn).filter(Boolean);
  return { id, title: String(stored.title ?? ""), updated_at: Number(stored.updated_at) || 0, turns };
}

function turn(stored) {
  if (typeof stored?.question !== "string" || !Array.isArray(stored.answers)) return null;
  const answers = stored.answers.map(revive).filter(Boolean);
  if (!answers.length) return null;
  const shown = Number.isInteger(stored.shown) ? stored.shown : answers.length - 1;
  return { question: stored.question, answers, shown: Math.min(Math.max(shown, 0), answers.length - 1) };
}

/** localStorage, or a stand-in that forgets at reload where the browser forbids it. */
export function browserStorage(name) {
  try {
    const storage = window[name];
    storage.setItem("feishu-rag.probe", "1");
    storage.removeItem("feishu-rag.probe");
    return storage;
  } catch {
    return new ForgetfulStorage();
  }
}

class ForgetfulStorage {
  #values = new Map();
  get length() {
    return this.#values.size;
  }
  key(index) {
    return [...this.#values.keys()][index] ?? null;
  }
  getItem(key) {
    return this.#values.get(key) ?? null;
  }
  setItem(key, value) {
    this.#values.set(key, value);
  }
  removeItem(key) {
    this.#values.delete(key);
  }
}
