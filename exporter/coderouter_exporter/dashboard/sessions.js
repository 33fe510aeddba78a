// The list of sessions: what each run of an agent used.

import { address, get } from "./api.js";
import { attribute, find, text } from "./dom.js";
import { at, change, wanted } from "./filters.js";
import { compact, cost, count, percent, some, span } from "./format.js";
import { linkTo } from "./route.js";
import { links, numbers, Table, words } from "./table.js";

const PAGE = 100;
const NEWEST_FIRST = "-time";

let context;

const requestsOf = ({ session }, more) => linkTo("requests", context.route.hours, { session, ...more });

const columns = [
  links("Session", "session", (row) => [requestsOf(row), row.session, row.session]),
  words("Agent", "agent", ({ agent }) => agent ?? "–"),
  words("First request", "time", ({ first }) => context.zone.second(first, context.status.generated_at)),
  words("Last request", "time", ({ last }) => context.zone.second(last, context.status.generated_at), { sort: "time" }),
  numbers("Duration", ({ duration_s: duration }) => span(duration), { sort: "duration" }),
  numbers("Requests", ({ requests }) => count(requests)),
  links("Failed", "number", (row) => [row.failed ? requestsOf(row, { failed: 1 }) : null, count(row.failed)]),
  numbers("Fallbacks", ({ fallbacks }) => count(fallbacks)),
  numbers("Tokens in", ({ input_tokens: input }) => compact(input), {
    sort: "tokens",
    title: "Sorted by tokens in and out",
  }),
  numbers("Tokens out", ({ output_tokens: output }) => compact(output)),
  numbers("Cached", ({ cache_share: share }) => percent(share), { title: "Share of the prompt read from a cache" }),
  numbers("Cost", (row) => cost(row.cost_usd, row.unknown_cost, row.requests - row.failed), { sort: "cost" }),
];

const table = new Table(find("#session-rows"), columns, {
  key: ({ session }) => session,
  onSort: (by) => change("sort", by),
});

export const everyMs = 0;

export async function load(route) {
  const query = { ...wanted(route), sort: route.parameters.get("sort") ?? NEWEST_FIRST, limit: PAGE };
  return { query, answer: await get("sessions", query) };
}

export function show({ query, answer }, current) {
  context = current;
  at(current.route);
  table.show(answer.sessions);
  table.sorted(query.sort);
  const { length } = answer.sessions;
  text(
    find("#session-total"),
    some(answer.total, "session") + (length < answer.total ? `, the first ${length} shown` : ""),
  );
  const exported = { ...query, limit: null };
  attribute(find("#sessions-csv"), "href", address("sessions", { ...exported, format: "csv" }));
  attribute(find("#sessions-json"), "href", address("sessions", { ...exported, format: "jsonl" }));
}
