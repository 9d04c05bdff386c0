/** Making elements. Text goes in as text, never as markup, and nothing in it is hidden. */

import { visible } from "./visible.js";

const SVG = "http://www.w3.org/2000/svg";

/** `el("button", {class: "x", onclick: f, "aria-label": "…"}, "text", child)`; null and false children are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  const given = children.filter((child) => child !== null && child !== false && child !== undefined);
  element.append(...given.map((child) => (typeof child === "string" ? visible(child) : child)));
  return element;
}

/** A decorative icon out of the symbols in the page. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);
