// Text that types on. Feishu's rule: if the old text is a prefix of the new one, typing goes on; otherwise it jumps.
const speed = (value, fallback) => value?.pc ?? value?.default ?? fallback;

export class Typewriter {
  constructor(paint) {
    this.paint = paint;
    this.target = '';
    this.shown = 0;
    this.timer = null;
  }

  /** New text arrived. `config` is the card's streaming_config; without streaming it is shown at once. */
  push(text, streaming, config = {}) {
    const continues = streaming && text.startsWith(this.target);
    // "fast" (the default) shows what was still hidden at once, and types only the new part.
    if (continues && (config.print_strategy || 'fast') === 'fast') this.shown = this.target.length;
    if (!continues) this.shown = text.length;
    this.target = text;
    clearInterval(this.timer);
    this.timer = null;
    this.draw(streaming);
    if (this.shown >= text.length) return;
    const step = speed(config.print_step, 1);
    this.timer = setInterval(() => {
      this.shown = Math.min(this.target.length, this.shown + step);
      this.draw(streaming);
      if (this.shown >= this.target.length) { clearInterval(this.timer); this.timer = null; }
    }, Math.max(16, speed(config.print_frequency_ms, 70)));
  }

  draw(streaming) {
    let end = this.shown;
    // Never between the halves of a surrogate pair.
    if (end < this.target.length && /[\ud800-\udbff]/.test(this.target[end - 1] || '')) end += 1;
    this.paint(this.target.slice(0, end), streaming && this.target.trim() !== '');
  }

  stop() { clearInterval(this.timer); }
}
