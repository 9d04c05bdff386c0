/**
 * Emphasis beside Chinese signs, a plugin for markdown-it: `**注意：**超期` is bold. For the web chat and for the local
 * platform's page alike (`shared/` there): the platform does not document how strict its clients are, so both are lenient;
 * who sends cards adds the space that a strict one wants (`feishu/emphasis.py`).
 */

const SPACE = /\s/u;
const SIGN = /[\p{P}\p{S}]/u;
/** Scripts without spaces between words, their signs in both widths, and the signs Chinese shares with other scripts. */
const CHINESE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Hangul}\u3001-\u303f\ufe10-\ufe1f\ufe30-\ufe4f\uff01-\uffef\u2018-\u201f\u2013-\u2016\u2026\u00b7]/u;
const FORMULA = /[=＝+＋×÷]/;
const FORMULA_REACH = 60;

/**
 * Whether a run of `*` or `~` between two characters may open or close. CommonMark asks for a space where a sign stands
 * inside and a letter outside (`**注意：**超期`); Chinese writes none, so its signs count as letters here, and beside
 * its letters any sign may stand inside (`约**¥500**元`).
 */
function flanks(before, after) {
  const blocks = (inside, outside) =>
    SIGN.test(inside) && !CHINESE.test(inside) && !SPACE.test(outside) && !SIGN.test(outside) && !CHINESE.test(outside);
  return {
    can_open: !SPACE.test(after) && !blocks(after, before),
    can_close: !SPACE.test(before) && !blocks(before, after),
  };
}

/** The character that ends at `end`, whole where it has two units; a line's edge is a space. */
function characterBefore(text, end) {
  return [...text.slice(Math.max(0, end - 2), end)].at(-1) ?? ' ';
}

/** `补贴=基数*（天数+1）*系数` multiplies: a single asterisk there is read as strictly as CommonMark does. */
function multiplies(text, start, before, after) {
  if (/\d/.test(before + after)) return true;
  const line = [text.lastIndexOf('\n', start) + 1, text.indexOf('\n', start) + 1 || text.length];
  return FORMULA.test(text.slice(Math.max(line[0], start - FORMULA_REACH), Math.min(line[1], start + FORMULA_REACH)));
}

/** For `md.use()`. Underscores stay as CommonMark has them. */
export function chineseEmphasis(md) {
  md.inline.State = class extends md.inline.State {
    scanDelims(start, canSplitWord) {
      const strict = super.scanDelims(start, canSplitWord);
      if (!canSplitWord) return strict;
      const before = characterBefore(this.src, start);
      const end = start + strict.length;
      const after = end < this.posMax ? String.fromCodePoint(this.src.codePointAt(end)) : ' ';
      if (strict.length === 1 && multiplies(this.src, start, before, after)) return strict;
      return { ...strict, ...flanks(before, after) };
    }
  };
}
