/** Marks given words inside rendered text, however elements cut them: white space and Markdown's signs do not count. */

import { el } from "./dom.js";

const UNSEEN = /[\s|*_`#>~\-\\]/u;

/** Wraps each of `parts` that is found in `root` in `<mark>`; gives the first mark, or null. */
export function mark(root, parts) {
  for (const part of parts) {
    const wanted = [...part].filter((sign) => !UNSEEN.test(sign)).join("");
    const { text, places } = flat(root);
    const from = wanted ? text.indexOf(wanted) : -1;
    if (from >= 0) wrap(places.slice(from, from + wanted.length));
  }
  return root.querySelector("mark");
}

/** All text below `root` without unseen signs, and where each of its UTF-16 units stands. */
function flat(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const places = [];
  let text = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (let at = 0; at < node.data.length; at += 1) {
      if (UNSEEN.test(node.data[at])) continue;
      text += node.data[at];
      places.push({ node, at });
    }
  }
  return { text, places };
}

function wrap(places) {
  const spans = new Map(); // text node → first and last place in it
  for (const { node, at } of places) spans.set(node, { from: spans.get(node)?.from ?? at, to: at + 1 });
  for (const [node, { from, to }] of spans) {
    const inside = node.splitText(from);
    inside.splitText(to - from);
    const marked = el("mark");
    inside.replaceWith(marked);
    marked.append(inside);
  }
}
