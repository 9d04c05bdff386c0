/** Bars that stand on each other and lines, drawn by uPlot in the page's colours. */

import { byId, el } from "../js/dom.js";
import { say } from "../js/texts.js";

const { uPlot } = window;
const HEIGHT = 220;
const COUNTS = [1, 2, 5].flatMap((digit) => [...Array(12).keys()].map((zeros) => digit * 10 ** zeros)).sort((one, other) => one - other); // nothing is asked half a time
const MODELS = ["--accent", "--good", "--hedge"];
const drawn = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour of the page as the canvas takes it: `light-dark()` and the like are worked out on a real element. */
function resolved(name) {
  const probe = el("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value || colour(name);
}

/** `series`: `[{label, values, tone, colour}]` on top of each other, first at the bottom. */
export function stackedBars(id, days, series) {
  const sums = [];
  let below = days.map(() => 0);
  for (const { values } of series) sums.push((below = below.map((sum, at) => sum + values[at])));
  const bars = uPlot.paths.bars({ size: [0.7, 36] });
  const options = series.map(({ label, colour: name }) => ({ label, fill: resolved(name), stroke: resolved(name), width: 0, paths: bars, points: { show: false } }));
  draw(id, days, sums.toReversed(), options.toReversed(), series, COUNTS);
}

/** `series`: `[{label, values, colour, dash}]`; null where there is nothing. */
export function lines(id, days, series) {
  const options = series.map(({ label, colour: name, dash }) => ({ label, stroke: resolved(name), width: 2, dash, spanGaps: true, points: { size: 5 } }));
  draw(id, days, series.map(({ values }) => values), options, series);
}

function draw(id, days, data, options, series, steps) {
  const place = byId(`chart-${id}`);
  drawn.get(id)?.destroy();
  const stroke = resolved("--ink-soft");
  const grid = { stroke: resolved("--line"), width: 1 };
  const axis = { stroke, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const times = days.map((day) => Date.parse(`${day}T00:00:00`) / 1000);
  const labels = (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleDateString(document.documentElement.lang, { month: "numeric", day: "numeric" }));
  drawn.set(id, new uPlot({
    width: Math.max(240, place.clientWidth),
    height: HEIGHT,
    cursor: { y: false },
    legend: { show: false },
    scales: { x: { time: true, range: (_, from, to) => [from - 43200, to + 43200] }, y: { range: (_, __, top) => [0, Math.max(1, top * 1.08)] } },
    axes: [{ ...axis, size: 30, values: labels, grid: { show: false }, incrs: [86400, 172800, 432000, 604800, 1209600, 2592000] }, { ...axis, size: 44, ...(steps ? { incrs: steps, values: (_, ticks) => ticks.map(short) } : {}) }],
    series: [{}, ...options],
  }, [times, ...data], place));
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", series.map(({ label, values }) => `${label}: ${values.map((value) => value ?? "–").join(", ")}`).join("; "));
  byId(`legend-${id}`).replaceChildren(...series.map(({ label, tone }) => el("li", {}, el("span", { class: "swatch", "data-tone": tone }), label)));
}

const short = (count) => count.toLocaleString(document.documentElement.lang, { notation: "compact" });

/** Tokens by day, on top of each other: the models that cost most, and the others together. */
function drawTokens(days, rows) {
  const cost = new Map();
  for (const { model, prompt, completion } of rows) cost.set(model, (cost.get(model) ?? 0) + prompt + completion);
  const models = [...cost.keys()].sort((one, other) => cost.get(other) - cost.get(one));
  const shown = models.slice(0, MODELS.length);
  const sums = (wanted) => days.map((day) => rows.reduce((sum, row) => (row.day === day && wanted(row.model) ? sum + row.prompt + row.completion : sum), 0));
  const series = shown.map((model, at) => ({ label: model, values: sums((name) => name === model), tone: `model-${at}`, colour: MODELS[at] }));
  if (models.length > shown.length) series.push({ label: say("otherModels"), values: sums((name) => !shown.includes(name)), tone: "stopped", colour: "--quiet" });
  stackedBars("tokens", days, series.length ? series : [{ label: say("noTokens"), values: days.map(() => 0), tone: "stopped", colour: "--quiet" }]);
}

export function drawCharts({ by_day: rows, tokens }) {
  const days = rows.map(({ day }) => day);
  const pick = (name) => rows.map((row) => row[name]);
  const time = (name, share) => rows.map((row) => row[name][share]);
  stackedBars("outcomes", days, [
    { label: say("answered"), values: pick("answered"), tone: "answered", colour: "--good" },
    { label: say("hedged"), values: pick("hedged"), tone: "hedged", colour: "--hedge" },
    { label: say("no_evidence"), values: pick("no_evidence"), tone: "no_evidence", colour: "--warn" },
    { label: say("stopped"), values: pick("stopped"), tone: "stopped", colour: "--quiet" },
    { label: say("failedOutcome"), values: pick("failed"), tone: "failed", colour: "--bad" },
  ]);
  lines("speed", days, [
    { label: say("firstP50"), values: time("first_token_s", "p50"), tone: "up", colour: "--good" },
    { label: say("firstP95"), values: time("first_token_s", "p95"), tone: "no_evidence", colour: "--warn" },
    { label: say("wholeP95Line"), values: time("whole_s", "p95"), tone: "", colour: "--accent", dash: [6, 4] },
  ]);
  stackedBars("gaps", days, [
    { label: say("gapsOpened"), values: pick("opened"), tone: "no_evidence", colour: "--warn" },
    { label: say("gapsClosed"), values: pick("closed"), tone: "answered", colour: "--good" },
  ]);
  drawTokens(days, tokens.by_day);
  stackedBars("votes", days, [
    { label: say("up"), values: pick("up"), tone: "up", colour: "--good" },
    { label: say("down"), values: pick("down"), tone: "down", colour: "--bad" },
  ]);
}
