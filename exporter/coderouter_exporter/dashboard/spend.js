// Cost and tokens by day.

import { address, get } from "./api.js";
import { Chart, timeMarks } from "./charts.js";
import { attribute, fill, find, made, text } from "./dom.js";
import { compact, cost, count, dollars, percent, roundDollars, some } from "./format.js";
import { linkTo } from "./route.js";
import { names, numbers, Table } from "./table.js";
import { day, Zone } from "./zone.js";

const DAY_S = 86400;
const MARKS = 10;
const COLOURS = 6; // the groups after these share one
const UTC = new Zone("UTC"); // days have no zone of their own

const MEASURES = {
  cost: { value: (row) => row.cost_usd ?? 0, written: dollars, tick: roundDollars, least: 0.01 },
  tokens: {
    value: (row) => row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_creation_tokens,
    written: compact,
    tick: compact,
    least: 10,
  },
  requests: { value: (row) => row.requests, written: compact, tick: compact, least: 4 },
};
const SUMMED = [
  "requests",
  "answered",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_creation_tokens",
  "cost_usd",
  "unknown_cost",
];

let context;
let shown = null;
let zoom = null;

const chart = new Chart(find("#spent"), (from, to) => {
  zoom = from === null ? null : zoom ? [zoom[0] + from, zoom[0] + to] : [from, to];
  draw();
});

const columns = [
  names("Name", ({ name }) => [name, ""]),
  numbers("Share", ({ share }) => percent(share)),
  numbers("Cost", (row) => cost(row.cost_usd, row.unknown_cost, row.answered)),
  numbers("Unknown cost", ({ unknown_cost: unknown }) => count(unknown), { title: "Answers without a known price" }),
  numbers("Requests", ({ requests }) => count(requests)),
  numbers("Tokens in", (row) => compact(row.input_tokens)),
  numbers("Tokens out", (row) => compact(row.output_tokens)),
  numbers("From cache", (row) => compact(row.cache_read_tokens)),
  numbers("To cache", (row) => compact(row.cache_creation_tokens)),
];
const table = new Table(find("#spend-rows"), columns, { key: ({ name }) => name });

export const everyMs = 15000;

const chosen = ({ parameters }) => ({
  by: parameters.get("by") ?? "provider",
  measure: parameters.get("measure") in MEASURES ? parameters.get("measure") : "cost",
  days: Number(parameters.get("days")) || 30,
});

export async function load(route) {
  const { by, days } = chosen(route);
  const query = { by: `day,${by}`, since: `${days}d` };
  return { query, answer: await get("spend", query) };
}

export function show({ query, answer }, current) {
  context = current;
  shown = answer;
  for (const name of ["by", "measure", "days"]) find(`#spend [name=${name}]`).value = chosen(current.route)[name];
  attribute(find("#spend-csv"), "href", address("spend", { ...query, format: "csv" }));
  attribute(find("#spend-json"), "href", address("spend", query));
  draw();
}

function draw() {
  const { by, measure, days } = chosen(context.route);
  const { value, written, tick, least } = MEASURES[measure];
  if (zoom && zoom[1] >= days) zoom = null;
  const [from, to] = zoom ?? [0, days - 1];
  const dates = lastDays(days, shown.zone, context.status.generated_at).slice(from, to + 1);
  const rows = shown.spend.filter(({ day: date }) => date >= dates[0] && date <= dates.at(-1));
  const groups = grouped(rows, by, value);
  const whole = summed("all", rows);
  const bars = stacked(dates, rows, groups, by, value);
  const say = (at) =>
    `${written(bars[at].at(-1)?.to ?? 0)} ${bars[at]
      .filter(({ to: high, from: low }) => high > low)
      .map((part) => `${part.name} ${written(part.to - part.from)}`)
      .join(", ")}`;
  const first = Date.parse(dates[0]) / 1000;
  chart.draw({ bars, say, tick, least }, (at) => day(dates[at]), timeMarks(first, DAY_S, dates.length, UTC, MARKS));
  showLegend(groups.filter((group) => value(group) > 0));
  text(
    find("#spend-sum"),
    `${cost(whole.cost_usd, whole.unknown_cost, whole.answered)}, ${some(whole.requests, "request")}`,
  );
  const unknown = whole.unknown_cost
    ? `The cost of ${some(whole.unknown_cost, "answer")} is unknown: add prices to providers.yaml, see coderouter prices. `
    : "";
  text(find("#spend-note"), `${unknown}Days are in ${shown.zone ?? "UTC"}.`);
  find("#spend-unzoom").hidden = !zoom;
  const all = groups.reduce((sum, group) => sum + value(group), 0);
  table.show(groups.map((group) => ({ ...group, share: all ? value(group) / all : null })));
}

function showLegend(groups) {
  const named = groups.slice(0, COLOURS).map(({ name }, at) => [`g${at}`, name]);
  const others = groups.length > COLOURS ? [[`g${COLOURS}`, `${groups.length - COLOURS} others`]] : [];
  const make = () => made("span");
  fill(find("#spend-legend"), [...named, ...others], make, (box, [kind, name]) => {
    box.className = kind;
    text(box, name);
  });
}

/** Return the sums of each group, the largest first. */
function grouped(rows, by, value) {
  const found = Map.groupBy(rows, (row) => row[by]);
  const sums = [...found].map(([name, members]) => summed(name ?? "(none)", members));
  return sums.sort((one, two) => value(two) - value(one) || two.requests - one.requests);
}

function summed(name, rows) {
  const sums = SUMMED.map((field) => [field, rows.reduce((sum, row) => sum + (row[field] ?? 0), 0)]);
  return { name, ...Object.fromEntries(sums) };
}

function stacked(dates, rows, groups, by, value) {
  const byDay = Map.groupBy(rows, (row) => row.day);
  const places = new Map(groups.map(({ name }, at) => [name, at]));
  return dates.map((date) => {
    const parts = grouped(byDay.get(date) ?? [], by, value).sort(
      (one, two) => places.get(one.name) - places.get(two.name),
    );
    let below = 0;
    return parts.map((part) => {
      const from = below;
      below += value(part);
      return { kind: `g${Math.min(places.get(part.name), COLOURS)}`, name: part.name, from, to: below };
    });
  });
}

function lastDays(days, zone, now) {
  const today = Date.parse(new Zone(zone ?? "UTC").date.format(Date.parse(now)));
  return Array.from({ length: days }, (_, at) =>
    new Date(today - (days - 1 - at) * DAY_S * 1000).toISOString().slice(0, 10),
  );
}

for (const field of document.querySelectorAll("#spend select")) {
  field.addEventListener("change", () => {
    zoom = null;
    const parameters = new URLSearchParams(context.route.parameters);
    parameters.set(field.name, field.value);
    location.replace(linkTo("spend", context.route.hours, parameters));
  });
}
find("#spend-unzoom").addEventListener("click", () => {
  zoom = null;
  draw();
});
