/** Every request of the page to the bot: with the key that was entered for this tab, if there is one. */

const KEY = "feishu-rag.key";
let storage = null;
let askForKey = async () => false;

/** `tab` keeps the key as long as the tab lives; `ask()` gets a key from the person and tells whether there is one. */
export function setUpKeys(tab, ask) {
  storage = tab;
  askForKey = ask;
}

/** The headers that name this tab's key, if it has one. */
export function authorization() {
  const key = storage?.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export function rememberKey(key) {
  if (key) storage?.setItem(KEY, key);
  else storage?.removeItem(KEY);
}

/** Like `fetch`; where a key is wanted, asks for one and tries again until there is a right one or the person gives up. */
export async function request(path, options = {}) {
  for (;;) {
    const key = storage?.getItem(KEY);
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401 || options.signal?.aborted || !(await askForKey(Boolean(key)))) return response;
  }
}

export function postJson(path, body, options = {}) {
  const headers = { "Content-Type": "application/json", ...options.headers };
  return request(path, { ...options, method: "POST", headers, body: JSON.stringify(body) });
}
