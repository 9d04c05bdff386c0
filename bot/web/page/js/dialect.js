/** What models write beyond CommonMark, as a plugin for markdown-it: `<br>`, and emphasis beside Chinese signs. */

import { chineseEmphasis } from "../shared/emphasis.js";

const BREAK = /<\/?br(?:\s[^<>]{0,60})?\/?>[ \t]*\n?[ \t]*/iy;

/** `<br>` in any spelling is a line break, the only tag that is one; with its own line end it is one break, not two. */
function breakTag(state, silent) {
  if (state.src.charCodeAt(state.pos) !== 0x3c) return false;
  BREAK.lastIndex = state.pos;
  const found = BREAK.exec(state.src);
  if (!found) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += found[0].length;
  return true;
}

/** For `md.use()`. Underscores stay as they are: names of programs are full of them. */
export function chineseDialect(md) {
  md.inline.ruler.before("autolink", "break_tag", breakTag);
  chineseEmphasis(md);
}
