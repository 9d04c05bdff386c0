/**
 * Text without the characters that nobody sees (direction controls, zero-width characters, controls), and links that say
 * where they lead: what `feishu/visible.py` and `feishu/links.py` do for cards. The rules and their reasons stand there.
 */

const REMOVED =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e00ff}]/gu;
const EMOJI = "\\u00a9\\u00ae\\u203c\\u2049\\u20e3\\u2122\\u2139\\u2190-\\u2bff\\u3030\\u303d\\u3297\\u3299\\u{1f000}-\\u{1faff}";
const JOINING =
  "\\u0600-\\u08ff\\u0900-\\u0dff\\u0f00-\\u109f\\u1780-\\u18af\\u1900-\\u1cff\\ua800-\\uabff\\ufb50-\\ufdff\\ufe70-\\ufefc";
const CHINESE = "\\u3001-\\u303f\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uff01-\\uff60\\u{20000}-\\u{323af}";
const SELECTORS = "\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}";
const SOMETIMES = new RegExp(
  `(?<=[${EMOJI}][\\ufe0e\\ufe0f]?)(\\u200d)(?=[${EMOJI}])|(?<=[${JOINING}])([\\u200c\\u200d])` +
    `|(?<=[${EMOJI}0-9#*])([\\ufe0e\\ufe0f])|(?<=[${CHINESE}])([${SELECTORS}])|[\\u200c\\u200d${SELECTORS}]`,
  "gu",
);
const ADDRESS =
  /https?:\/\/(?:[^\s/?#@]*@)?([\p{L}\p{N}_.-]+)|((?:[\p{L}\p{N}_-]+\.)+([a-z]{2,}|xn--[\w-]+|中国|公司|网络|中文网|集团|商城|网址|在线))(?![a-z0-9-])|(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])/gu;
const FILES = /^(?:docx?|xlsx?|pptx?|pdf|wps|et|dps|txt|[ct]sv|log|html?|json|xml|ya?ml|toml|ini|png|jpe?g|gif|svg|js|css|gz)$/;

export function visible(text) {
  return text.replace(REMOVED, "").replace(SOMETIMES, (_found, ...kept) => kept.slice(0, 4).find(Boolean) ?? "");
}

/** The address without a user name in it; "" unless it is http or https. */
export function webAddress(address) {
  try {
    const url = new URL(address);
    if (!["http:", "https:"].includes(url.protocol) || !url.hostname) return "";
    url.username = url.password = "";
    return url.href;
  } catch {
    return "";
  }
}

/** The host of an address where the text beside it looks like that of another one, else "". */
export function otherHost(text, address) {
  const host = ascii(new URL(address).hostname);
  const plain = visible(text).normalize("NFKC").replace(/[。｡]/g, ".").toLowerCase();
  for (const [, explicit, name, top, number] of plain.matchAll(ADDRESS)) {
    if (top && FILES.test(top) && !plain.includes("/")) continue;
    if (!isOf(explicit || name || number, host)) return host;
  }
  return "";
}

function ascii(name) {
  try {
    return new URL(`http://${name}`).hostname.replace(/\.$/, "").replace(/^www\./, "");
  } catch {
    return name;
  }
}

/** Whether a name is that of the host or of a domain above it. Chinese before it belongs to the text. */
function isOf(written, host) {
  const name = ascii(written);
  if (host === name || host.endsWith(`.${name}`)) return true;
  const before = written.endsWith(host) ? written.slice(0, -host.length) : "";
  return /\p{Lo}$/u.test(before);
}
