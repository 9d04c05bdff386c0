// Links to documents of the sandbox's own tenant, whose host exists nowhere: they open in the sandbox's viewer,
// as the person who looks at the page.
import { state } from './state.js';
import { ui } from './words.js';

const HOST = 'sandbox.feishu.cn';
const ADDRESS = /https?:\/\/[\x21-\x7e]+/g;
const END = /[.,;:!?)\]}>'"*_]+$/;

/** Where a link leads: the viewer for documents that the sandbox may hold, anything else as it is written. */
export function opening(address) {
  let url;
  try { url = new URL(address); } catch { return address; }
  if (url.host !== HOST || !/^https?:$/.test(url.protocol)) return address;
  url.searchParams.set('language', ui.language);
  if (state.me) url.searchParams.set('person', state.me);
  return `/sandbox/documents${url.pathname}${url.search}${url.hash}`;
}

/** The same for every link that has been drawn. */
export function withOpenings(fragment) {
  for (const link of fragment.querySelectorAll('a[href]')) link.setAttribute('href', opening(link.getAttribute('href')));
  return fragment;
}

/** The addresses in a plain text: [where it begins, the address]. */
export function addressesIn(text) {
  return [...text.matchAll(ADDRESS)].map((match) => [match.index, match[0].replace(END, '')]);
}
