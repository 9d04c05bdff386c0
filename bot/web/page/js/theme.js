/** Light, dark, or as the system has it. */

import { byId } from "./dom.js";

const KEY = "feishu-rag.theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };

export class Theme {
  #settings;

  constructor(settings) {
    this.#settings = settings;
    byId("theme").addEventListener("click", () => this.#set(NEXT[this.#now] ?? "auto"));
    this.#set(this.#now);
  }

  get #now() {
    const kept = this.#settings.getItem(KEY);
    return kept in NEXT ? kept : "auto";
  }

  #set(theme) {
    this.#settings.setItem(KEY, theme);
    document.documentElement.dataset.theme = theme;
  }
}
