// The charts of the range, each with its summary, and the part of it that is zoomed to.

import { Chart, timeMarks } from "./charts.js";
import { attribute, find, made, text } from "./dom.js";
import { compact, cost, count, dollars, roundDollars, roundSeconds, seconds, some } from "./format.js";
import { linkTo } from "./route.js";

const STEPS = { 60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 14400: "4 hours" };
const MARKS = 4;
const KINDS = [
  ["ok", "answered"],
  ["failed", "failed"],
  ["client", "client"],
];

let shown = null;
let zoom = null; // Unix times of the first step and of the end

const charts = Object.fromEntries(
  ["volume", "duration", "first_token", "cost"].map((id) => [id, new Chart(find(`#${id}`), select)]),
);

function select(from, to) {
  const { first_ts: first, step_s: step, hours } = shown.traffic;
  zoom = from === null ? null : { hours, from: first + from * step, to: first + (to + 1) * step };
  showTraffic(shown.full, shown.zone);
}

find("#unzoom").addEventListener("click", () => select(null));

export function showTraffic(full, zone) {
  if (zoom?.hours !== full.hours) zoom = null;
  const traffic = zoom ? zoomed(full) : full;
  shown = { full, traffic, zone };
  const { first_ts: first, step_s: step, total } = traffic;
  const time = (at) =>
    (step < 3600 || full.hours <= 24 ? "" : `${zone.day(first + at * step)} `) + zone.minute(first + at * step);
  const marks = timeMarks(first, step, traffic.ok.length, zone, MARKS);
  const draw = (id, bars) => charts[id].draw(bars, time, marks);
  text(find("#step"), STEPS[step] ?? `${step} s`);
  draw("volume", volume(traffic));
  sum("volume", some(total.requests, "request"), total.failed ? `${count(total.failed)} failed` : "none failed");
  for (const name of ["duration", "first_token"]) {
    draw(name, durations(traffic, name));
    sum(name, ...percentiles(traffic, name));
  }
  draw("cost", costs(traffic));
  const { input_tokens: input, output_tokens: output } = total;
  const tokens = total.unknown_cost ? "" : `${compact(input ?? 0)} tokens in, ${compact(output ?? 0)} out`;
  sum("cost", cost(total.cost_usd, total.unknown_cost, total.answered), tokens);
  showZoom(zone, full.hours);
}

function showZoom(zone, hours) {
  find("#zoom").hidden = !zoom;
  if (!zoom) return;
  const named = [zoom.from, zoom.to].map((unix) => (hours > 24 ? `${zone.day(unix)} ` : "") + zone.minute(unix));
  text(find("#zoomed"), named.join(" to "));
  const [since, until] = [zoom.from, zoom.to].map((unix) => new Date(unix * 1000).toISOString());
  attribute(find("#zoom-requests"), "href", linkTo("requests", hours, { since, until }));
}

/** Return the columns of the steps that are zoomed to, with their sums. */
function zoomed(full) {
  const at = (unix) => Math.round((unix - full.first_ts) / full.step_s);
  const [from, to] = [Math.max(0, at(zoom.from)), at(zoom.to)];
  if (to <= from) {
    zoom = null;
    return full;
  }
  const cut = Object.entries(full).map(([name, value]) => [name, Array.isArray(value) ? value.slice(from, to) : value]);
  const traffic = { ...Object.fromEntries(cut), first_ts: full.first_ts + from * full.step_s };
  const added = Object.fromEntries(
    cut.filter(([, value]) => Array.isArray(value)).map(([name, value]) => [name, sumOf(value)]),
  );
  const requests = added.ok + added.failed + added.client;
  return { ...traffic, total: { ...added, requests, unknown_cost: 0 } };
}

const sumOf = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

function volume(traffic) {
  const bars = traffic.ok.map((_, at) => {
    let below = 0;
    return KINDS.map(([kind]) => {
      const from = below;
      below += traffic[kind][at];
      return { kind, from, to: below };
    });
  });
  const say = (at) => {
    const seen = KINDS.filter(([kind], place) => place === 0 || traffic[kind][at]);
    return seen.map(([kind, word]) => `${count(traffic[kind][at])} ${word}`).join(", ");
  };
  return { bars, say, tick: compact, least: 4 };
}

function durations(traffic, name) {
  const [half, most] = [50, 95].map((percentile) => traffic[`${name}_p${percentile}_s`]);
  const bars = half.map((p50, at) =>
    p50 === null
      ? []
      : [
          { kind: "most", from: p50, to: most[at] },
          { kind: "median", from: p50, to: p50 },
        ],
  );
  const say = (at) => (half[at] === null ? "none" : `p50 ${seconds(half[at])}, p95 ${seconds(most[at])}`);
  return { bars, say, tick: roundSeconds, least: bars.some((parts) => parts.length) ? 0.001 : 1 };
}

function costs({ cost_usd: usd, input_tokens: input, output_tokens: output }) {
  const bars = usd.map((value) => [{ kind: "ok", from: 0, to: value }]);
  const say = (at) => `${dollars(usd[at])}, ${compact(input[at])} tokens in, ${compact(output[at])} out`;
  return { bars, say, tick: roundDollars, least: Math.max(...usd) > 0 ? 0.0001 : 1 };
}

/** Return the percentiles of the range; of a part of it only those of the steps are known. */
function percentiles({ total, ...traffic }, name) {
  if (!zoom) return [50, 95].map((percentile) => `p${percentile} ${seconds(total[`${name}_p${percentile}_s`])}`);
  const known = traffic[`${name}_p50_s`].filter((value) => value !== null);
  return known.length ? [`p50 ${seconds(Math.min(...known))}`, `to ${seconds(Math.max(...known))}`] : ["none", ""];
}

/** Show the summary of a chart, which is also its label for screen readers. */
function sum(id, main, more) {
  const line = find(`#${id} .sum`);
  if (!line.firstChild) line.append(made("span"), " ", made("small"));
  text(line.firstChild, main);
  text(line.lastChild, more);
  const whole = [main, more].filter(Boolean).join(", ");
  attribute(line, "title", whole);
  attribute(find(`#${id} .plot`), "aria-label", `${find(`#${id} figcaption`).textContent}: ${whole}`);
}
