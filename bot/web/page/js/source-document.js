/** The document behind a source: its text with the passage in it, and the file that it was read from. */

import { authorization, request } from "./api.js";
import { byId, el } from "./dom.js";
import { render } from "./markdown.js";
import { mark } from "./marks.js";
import { say } from "./texts.js";

/** A passage's `[1]` is its own, no citation of ours. */
export function rendered(text) {
  return render(text, 0, () => false, () => "");
}

/** The whole text; a text key that says why there is none. */
export async function fetchText(answerId, number) {
  try {
    const response = await request(`chat/${encodeURIComponent(answerId)}/sources/${number}/text`);
    if (response.ok) return await response.json();
    return response.status === 404 || response.status === 403 ? "wholeGone" : "wholeFailed";
  } catch {
    return "wholeFailed";
  }
}

/** Draws the text into `body`, marks `highlights` inside the passage and scrolls there. */
export function drawText(body, whole, highlights) {
  const drawn = [];
  let above = [];
  for (const { headings, text, is_passage: isPassage } of whole.parts) {
    drawn.push(...freshHeadings(headings, above));
    above = headings;
    const goesOn = isPassage && drawn.at(-1)?.className === "here";
    if (!goesOn) drawn.push(el("div", { class: isPassage ? "here" : null }));
    drawn.at(-1).append(rendered(text));
  }
  body.replaceChildren(...drawn);
  const words = highlights.map((part) => rendered(part).textContent);
  for (const passage of body.querySelectorAll(".here")) mark(passage, words);
  const target = body.querySelector("mark") ?? body.querySelector(".here");
  (target ?? body).scrollIntoView({ block: target ? "center" : "start" });
}

/** The headings that come new, each below those of the page as deep as it stands. */
function freshHeadings(headings, above) {
  const from = headings.findIndex((name, at) => name !== above[at]);
  if (from < 0) return [];
  return headings.slice(from).map((name, at) => el(`h${Math.min(6, 3 + from + at)}`, {}, name));
}

/** The link to the file: a PDF opens at its page, everything else is a download. `place` says which page, in words. */
export function showFileLink(address, place) {
  const link = byId("sheet-file");
  link.hidden = !address;
  link.removeAttribute("href");
  link.removeAttribute("download");
  if (!address) return;
  const isPdf = address.includes("#page=");
  link.setAttribute("href", address.replace(/^\//, ""));
  if (!isPdf) link.setAttribute("download", "");
  byId("sheet-file-words").textContent = isPdf ? say("openFileAt", { place }) : say("downloadFile");
}

/** Links carry no key: where the door wants one, the file is fetched and shown from memory. `failed()` where it is not. */
export function setUpFileLink(nameOf, failed) {
  const link = byId("sheet-file");
  link.addEventListener("click", async (event) => {
    if (!authorization().Authorization) return;
    event.preventDefault();
    const [address, fragment = ""] = link.getAttribute("href").split("#");
    const tab = link.hasAttribute("download") ? null : window.open("about:blank", "_blank");
    const response = await request(address).catch(() => null);
    if (!response?.ok) {
      tab?.close();
      failed();
      return;
    }
    const url = URL.createObjectURL(await response.blob());
    if (tab) tab.location = fragment ? `${url}#${fragment}` : url;
    else el("a", { href: url, download: nameOf() }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
}
