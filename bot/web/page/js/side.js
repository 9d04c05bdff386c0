/** The list of earlier conversations; a drawer on narrow screens. */

import { byId, el, icon } from "./dom.js";
import { say } from "./texts.js";

export class Side {
  #side = byId("side");
  #menu = byId("menu");
  #narrow = matchMedia("(max-width: 860px)");

  /** `acts`: `{open(id), create(), remove(id)}`. */
  constructor(acts) {
    this.acts = acts;
    this.#menu.addEventListener("click", () => this.#slide(true));
    byId("shade").addEventListener("click", () => this.#slide(false));
    byId("new-chat").addEventListener("click", () => this.#then(acts.create));
    byId("new-chat-narrow").addEventListener("click", acts.create);
    this.#side.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#isOpen) {
        event.stopPropagation();
        this.#slide(false);
      }
    });
    this.#narrow.addEventListener("change", () => this.#slide(false));
    this.#slide(false);
  }

  show(conversations, currentId) {
    const items = conversations.map(({ id, title }) =>
      el("li", { class: id === currentId ? "chat current" : "chat" },
        el("button", { type: "button", class: "chat-open", title, "aria-current": id === currentId ? "true" : null, onclick: () => this.#then(() => this.acts.open(id)) }, title),
        el("button", { type: "button", class: "ghost small chat-remove", title: say("remove", { title }), "aria-label": say("remove", { title }), onclick: () => this.acts.remove(id) }, icon("trash")),
      ));
    byId("chats").replaceChildren(...(items.length ? items : [el("li", { class: "chats-empty" }, say("historyEmpty"))]));
  }

  get #isOpen() {
    return this.#side.classList.contains("open");
  }

  #then(act) {
    this.#slide(false);
    act();
  }

  /** Out of sight means out of reach, too. */
  #slide(open) {
    const was = this.#isOpen;
    this.#side.classList.toggle("open", open);
    this.#side.inert = this.#narrow.matches && !open;
    byId("shade").hidden = !open;
    this.#menu.setAttribute("aria-expanded", String(open));
    if (open) byId("new-chat").focus();
    else if (was && this.#narrow.matches) this.#menu.focus();
  }
}
