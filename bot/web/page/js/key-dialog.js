/** Asks for the API key where the bot wants one. */

import { rememberKey } from "./api.js";
import { byId } from "./dom.js";
import { say } from "./texts.js";

export class KeyDialog {
  #dialog = byId("key-dialog");
  #asked = null;

  constructor() {
    this.#dialog.addEventListener("close", () => this.#closed());
    byId("key-cancel").addEventListener("click", () => this.#dialog.close(""));
  }

  /** Whether a key was entered. Several requests that want one at once ask once. */
  ask(wasWrong) {
    if (!this.#asked) {
      byId("key-note").textContent = say(wasWrong ? "keyWrong" : "keyWanted");
      byId("key").value = "";
      this.#dialog.returnValue = "";
      this.#dialog.showModal();
      byId("key").focus();
      this.#asked = Promise.withResolvers ? Promise.withResolvers() : deferred();
    }
    return this.#asked.promise;
  }

  #closed() {
    const key = this.#dialog.returnValue === "enter" ? byId("key").value.trim() : "";
    rememberKey(key);
    byId("key").value = "";
    const asked = this.#asked;
    this.#asked = null;
    asked?.resolve(Boolean(key));
  }
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
