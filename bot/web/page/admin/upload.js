/** Files that are put into the folder of a collection: by a button or by dropping, in parts, each with its progress. */

import { el } from "../js/dom.js";
import { has, say } from "../js/texts.js";
import { toast } from "../js/toast.js";
import { refusal, writing } from "./data.js";

const PART_BYTES = 512 * 1024; // a part arrives well within the time that the server gives a request, on slow lines too

export class Upload {
  #place;
  #whenDone;
  mostMb = 0;
  #files = []; // {file, target, state, said, sent, replaces}
  #isSending = false;
  #folders = el("select", { id: "upload-folder" });
  #note = el("p", { class: "note" });
  #chooser = el("input", { type: "file", multiple: true, id: "upload-files", class: "unseen", "aria-describedby": "upload-note" });
  #list = el("ul", { class: "uploads", "data-label": "uploadList" });

  /** `whenDone()` is called once all that could be uploaded is there. */
  constructor(place, whenDone) {
    this.#place = place;
    this.#whenDone = whenDone;
    this.#note.id = "upload-note";
    place.classList.add("drop");
    place.append(
      el("p", { class: "drop-line" }, el("span", { "data-text": "dropHere" }), " ", this.#chooser, el("label", { for: "upload-files", class: "ghost worded", "data-text": "chooseFiles" })),
      el("p", { class: "drop-line" }, el("label", { for: "upload-folder", "data-text": "uploadTo" }), " ", this.#folders),
      this.#note, this.#list,
    );
    this.#chooser.addEventListener("change", () => {
      this.#add([...this.#chooser.files]);
      this.#chooser.value = "";
    });
    this.#folders.addEventListener("change", () => this.draw());
    for (const kind of ["dragenter", "dragover"]) place.addEventListener(kind, (event) => this.#over(event));
    for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => this.#drop(event));
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault()); // dropped beside it, a file would take the page's place
  }

  /** The folders that files can be put into. */
  show(collections, mostMb) {
    this.mostMb = mostMb;
    const chosen = this.#folders.value;
    const options = collections.flatMap(({ name, folders }) => folders.map(({ number, name: folder, path, writable }) =>
      el("option", { value: JSON.stringify([name, number]), selected: chosen === JSON.stringify([name, number]), "data-path": path, "data-closed": writable ? null : "yes" },
        say(writable ? "folderWritable" : "folderReadOnly", { collection: name, folder }))));
    this.#folders.replaceChildren(...options);
    if (!chosen) this.#folders.selectedIndex = Math.max(0, options.findIndex((option) => !option.dataset.closed));
    this.draw();
  }

  draw() {
    const option = this.#folders.selectedOptions[0];
    const isClosed = !option || option.dataset.closed === "yes";
    this.#chooser.disabled = isClosed;
    this.#place.classList.toggle("closed", isClosed);
    this.#note.textContent = !option ? say("noFolders") : isClosed ? say("folderNote", { path: option.dataset.path }) : say("dropNote", { most: this.mostMb });
    this.#list.replaceChildren(...this.#files.map((entry) => this.#line(entry)));
  }

  #over(event) {
    if (this.#chooser.disabled || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#place.classList.add("over");
  }

  #drop(event) {
    if (this.#chooser.disabled) return;
    event.preventDefault();
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile());
    if (files.length < items.length) toast(say("noDirectories"));
    this.#add(files.filter(Boolean));
  }

  #add(files) {
    const target = JSON.parse(this.#folders.value);
    this.#files = [...this.#files.filter(({ state }) => state !== "sent" && state !== "skipped"), ...files.map((file) => ({ file, target, state: "waiting", said: "", sent: 0, replaces: false }))];
    this.#sendAll();
  }

  async #sendAll() {
    this.draw();
    if (this.#isSending) return;
    this.#isSending = true;
    let fresh = 0;
    for (let entry; (entry = this.#files.find(({ state }) => state === "waiting")); ) fresh += await this.#send(entry);
    this.#isSending = false;
    if (fresh) this.#whenDone();
  }

  /** 1 where the file is there now. */
  async #send(entry) {
    entry.state = "sending";
    this.draw();
    try {
      await parts(entry, (sent) => this.#sent(entry, sent));
      entry.state = "sent";
    } catch (error) {
      entry.state = error.type === "FileExists" && !entry.replaces ? "exists" : "failed";
      entry.said = has(`refused_${error.type}`) ? say(`refused_${error.type}`, { most: this.mostMb }) : error.said || say("uploadCut");
    }
    this.draw();
    return entry.state === "sent" ? 1 : 0;
  }

  #sent(entry, sent) {
    entry.sent = sent;
    const bar = this.#list.querySelector("[data-state='sending'] progress");
    if (bar) bar.value = sent;
  }

  #line(entry) {
    const { file, state, said } = entry;
    const again = (changes) => () => {
      Object.assign(entry, { said: "", sent: 0 }, changes);
      this.#sendAll();
    };
    const act = (word, changes) => el("button", { type: "button", class: "ghost worded", onclick: again(changes) }, say(word));
    const told = {
      waiting: [say("uploadWaiting")],
      sending: [el("progress", { max: Math.max(1, file.size), value: entry.sent, "aria-label": say("uploadProgress", { name: file.name }) })],
      sent: [say("uploadSent")],
      skipped: [say("uploadSkipped")],
      exists: [el("span", { role: "alert" }, say("uploadExists")), act("replaceFile", { state: "waiting", replaces: true }), act("skipFile", { state: "skipped" })],
      failed: [el("span", { class: "failure", role: "alert" }, said), act("tryAgain", { state: "waiting" }), act("skipFile", { state: "skipped" })],
    };
    return el("li", { "data-state": state }, el("span", { class: "upload-name" }, file.name), ...told[state]);
  }
}

/** Sends a file piece by piece; `told(bytes)` hears how much is there. */
async function parts({ file, target: [collection, folder], replaces }, told) {
  const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  let offset = 0;
  do {
    const query = new URLSearchParams({ collection, folder, name: file.name, token, size: file.size, offset, replace: replaces });
    const before = offset;
    const piece = file.slice(offset, offset + PART_BYTES);
    await posted(`admin/api/library/upload?${query}`, piece, (loaded) => told(before + loaded));
    offset += piece.size;
  } while (offset < file.size);
}

/** `fetch` does not tell how much of a body has left. */
function posted(address, body, told) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    for (const [name, value] of Object.entries({ "Content-Type": "application/octet-stream", ...writing() })) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => told(loaded));
    request.addEventListener("load", () => (request.status < 300 ? done() : failed(refusal(request.status, parsed(request.responseText)))));
    request.addEventListener("error", () => failed(refusal(0, {})));
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
