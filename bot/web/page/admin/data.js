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
  return told(await fetch(`admin/api/${path}`, { headers: authorization() }));
}

/** A file; downloads carry the key in a header, so a plain link would not do. */
export async function file(path) {
  const response = await fetch(`admin/api/${path}`, { headers: authorization() });
  if (!response.ok) throw new Error(String(response.status));
  return response.blob();
}

/** What a request that changes something carries. */
export const writing = () => ({ ...authorization(), ...(csrf ? { "X-CSRF-Token": csrf } : {}) });

export async function post(path) {
  return (await fetch(path, { method: "POST", headers: writing() })).ok;
}

/** A question to the server with a body. What it refuses is an error that has `said` why. */
export async function postBody(path, body) {
  const headers = { "Content-Type": "application/json", ...writing() };
  return told(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function told(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw refusal(response.status, body);
}

/** What the server refused, with its sentence and its type. */
export const refusal = (status, body) => Object.assign(new Error(String(status)), { said: body?.error?.message ?? "", type: body?.error?.type ?? "" });

export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
