/** The board's requests: the tab's key, or the session's cookie with its CSRF token. */

import { authorization } from "../js/api.js";

let csrf = "";

export async function me() {
  const response = await fetch("admin/api/me", { headers: authorization() });
  const body = await response.json().catch(() => ({}));
  csrf = body.csrf ?? "";
  return { status: response.status, ...body };
}

export async function get(path) {
  const response = await fetch(`admin/api/${path}`, { headers: authorization() });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

/** A file; downloads carry the key in a header, so a plain link would not do. */
export async function file(path) {
  const response = await fetch(`admin/api/${path}`, { headers: authorization() });
  if (!response.ok) throw new Error(String(response.status));
  return response.blob();
}

export async function post(path) {
  const headers = { ...authorization(), ...(csrf ? { "X-CSRF-Token": csrf } : {}) };
  return (await fetch(path, { method: "POST", headers })).ok;
}

export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
