/** The box one writes in. Enter sends, Shift+Enter breaks the line, Escape stops; while an answer runs the button stops. */

import { byId } from "./dom.js";
import { say } from "./texts.js";

const COUNT_FROM_CHARS = 3500;

export class Composer {
  #form = byId("composer");
  #box = byId("question");
  #send = byId("send");
  #running = false;

  /** `acts`: `{ask(question), stop()}`. */
  constructor(acts) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running) acts.stop();
      else this.#submit(acts);
      // The button is about to change its meaning.
      this.goOn();
    });
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => {
      // Enter that chooses a word of an input method is not ours.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      if (!this.#running) this.#submit(acts);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#running && !document.querySelector("dialog[open]")) acts.stop();
      const elsewhere = !event.target.closest?.("input, textarea, dialog");
      if (event.key === "/" && elsewhere && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        this.focus();
      }
    });
    this.#typed();
  }

  focus() {
    this.#box.focus();
  }

  /** On a desk one goes on typing; on a phone the keyboard would cover the answer. */
  goOn() {
    if (matchMedia("(hover: hover)").matches) this.focus();
  }

  /** Whether the answer of the conversation on screen is being written. */
  set running(running) {
    this.#running = running;
    byId("send-icon").setAttribute("href", running ? "#i-stop" : "#i-send");
    this.#send.dataset.label = running ? "stop" : "send";
    this.#send.title = say(this.#send.dataset.label);
    this.#send.setAttribute("aria-label", this.#send.title);
    this.#typed();
  }

  #submit(acts) {
    const question = this.#box.value.trim();
    if (!question) return;
    this.#box.value = "";
    this.#typed();
    acts.ask(question);
  }

  #typed() {
    const used = this.#box.value.length;
    this.#send.disabled = !this.#running && !this.#box.value.trim();
    byId("count").textContent = used >= COUNT_FROM_CHARS ? say("count", { used }) : "";
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
