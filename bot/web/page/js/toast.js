/** A short message with at most one action. */

import { byId } from "./dom.js";

const SHOWN_MS = 7000;
let leaving = 0;

export function toast(text, action = "", act = () => {}) {
  clearTimeout(leaving);
  const button = byId("toast-action");
  byId("toast").hidden = false;
  byId("toast-text").textContent = text;
  button.hidden = !action;
  button.textContent = action;
  button.onclick = () => {
    byId("toast").hidden = true;
    act();
  };
  leaving = setTimeout(() => (byId("toast").hidden = true), SHOWN_MS);
}
