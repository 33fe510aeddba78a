// The list of requests. New ones are added at the top, or announced while the list is being read.

import { address, get } from "./api.js";
import { attribute, find, made, text } from "./dom.js";
import { change, showFilters, wanted } from "./filters.js";
import { compact, count, priced, seconds, some } from "./format.js";
import { changesOf, outcomeOf, whyFailed } from "./outcomes.js";
import { linkTo, linkToRequest } from "./route.js";
import { links, names, numbers, states, Table, words } from "./table.js";

const PAGE = 100;
const NEWEST_FIRST = "-time";

let shown = { query: "", rows: [], next: null, pages: 0 };
let newest = null; // the last answer, of which not all may be shown
let context;

const tokens = ({ input_tokens: input, output_tokens: output }) =>
  (input ?? null) === null && (output ?? null) === null ? "–" : `${compact(input)} / ${compact(output)}`;

const columns = [
  links(
    "Time",
    "time",
    (row) => [linkToRequest(row.request_id), context.zone.second(row.ts ?? row.started, context.status.generated_at)],
    { sort: "time" },
  ),
  states("Outcome", "outcome", ({ outcome }) => outcomeOf(outcome)),
  names("Answered by", answeredBy, { tag: "td" }),
  numbers("Tries", ({ attempts, tries }) => count(attempts ?? tries.length), { kind: "tries" }),
  words("Agent", "agent", ({ agent }) => agent ?? "–"),
  links("Session", "session", ({ session }) => [
    session && linkTo("requests", context.route.hours, { session }),
    session ?? "",
    session,
  ]),
  words("Profile", "profile", ({ profile }) => profile ?? "–"),
  words("Requested", "requested", ({ requested_model: model }) => model ?? "–"),
  numbers("First token", ({ ttft_s: ttft }) => seconds(ttft), { sort: "ttft", kind: "ttft" }),
  numbers("Duration", ({ duration_s: duration }) => seconds(duration), { sort: "duration", kind: "duration" }),
  numbers("Tokens", tokens, { sort: "tokens", kind: "tokens", title: "In / out" }),
  numbers("Cost", priced, { sort: "cost", kind: "cost" }),
  links("Request", "request", ({ request_id: id }) => [linkToRequest(id), id, id]),
];

const table = new Table(find("#request-rows"), columns, {
  key: ({ request_id: id }) => id,
  detail: writeDetail,
  onSort: (by) => change("sort", by),
});

export const everyMs = 0;

export async function load(route) {
  const query = { ...wanted(route), sort: route.parameters.get("sort") ?? NEWEST_FIRST, limit: PAGE };
  return { query, answer: await get("requests", query) };
}

export function show({ query, answer }, current) {
  context = current;
  newest = { query, answer };
  const key = address("requests", query);
  const fresh = merge(key, query, answer);
  showRows(query, answer);
  find("#news").hidden = !fresh;
  if (fresh) text(find("#news"), `Show ${fresh < PAGE ? some(fresh, "new request") : `${PAGE} or more new requests`}`);
}

/** Bring the rows up to date; return how many new ones are only announced. */
function merge(key, { sort }, { requests, next }) {
  if (shown.query !== key || (!isBeingRead() && shown.pages === 1)) {
    shown = { query: key, rows: requests, next, pages: 1 };
    return 0;
  }
  const known = new Map(requests.map((row) => [row.request_id, row]));
  const rows = shown.rows.map((row) => known.get(row.request_id) ?? row);
  for (const row of shown.rows) known.delete(row.request_id);
  const isAdded = sort === NEWEST_FIRST && !isBeingRead() && known.size < PAGE;
  shown = { ...shown, rows: isAdded ? [...known.values(), ...rows] : rows };
  return sort === NEWEST_FIRST && !isAdded ? known.size : 0;
}

/** Return whether rows must stay where they are: the page is scrolled, or the list is pointed at or has the focus. */
function isBeingRead() {
  const isUsed = `:focus-within${matchMedia("(hover: hover)").matches ? ", :hover" : ""}`;
  return scrollY > 0 || find("#request-rows tbody").matches(isUsed);
}

function showRows(query, { total, kept }) {
  const { zone, status } = context;
  find("#request-rows").classList.toggle("dated", context.route.hours > 1);
  table.show(shown.rows);
  table.sorted(query.sort);
  text(find("#total"), some(total, "request"));
  find("#more").hidden = !shown.next;
  text(find("#more"), `Show more (${count(shown.rows.length)} of ${count(total)})`);
  const exported = { ...query, limit: null };
  attribute(find("#as-csv"), "href", address("requests", { ...exported, format: "csv" }));
  attribute(find("#as-json"), "href", address("requests", { ...exported, format: "jsonl" }));
  const since = kept?.oldest ? `, back to ${zone.second(kept.oldest, status.generated_at)}` : "";
  text(
    find("#kept"),
    kept?.max
      ? `The newest ${count(kept.max)} requests are kept${since}.`
      : "No requests are kept: --requests-max is 0.",
  );
  showFilters(context.route, context, shown.rows, zone);
}

/** Return the provider and its model; of a request in progress, the provider that is being tried. */
function answeredBy({ provider, model, outcome, tries }) {
  const last = tries.at(-1);
  if (outcome !== "open" || !last) return [provider ?? "–", model ?? ""];
  return [last.provider, last.result === "ok" ? "answering" : "trying"];
}

function writeDetail(cell, row) {
  const changes = changesOf(row).map(([kind, what]) => `${kind}: ${what}`);
  const error = row.outcome === "ok" ? "" : whyFailed(row);
  if (!error && !changes.length) return false;
  if (!cell.firstElementChild) cell.append(made("span", "error"), " ", made("span", "advice"));
  text(cell.firstElementChild, error);
  text(cell.lastElementChild, changes.join(", "));
  return true;
}

find("#more").addEventListener("click", async () => {
  const { query, rows, next } = shown;
  const answer = await get("requests", { ...newest.query, cursor: next }).catch(() => null);
  if (!answer || shown.query !== query) return;
  const known = new Set(rows.map((row) => row.request_id));
  const added = answer.requests.filter((row) => !known.has(row.request_id));
  shown = { ...shown, rows: [...shown.rows, ...added], next: answer.next, pages: shown.pages + 1 };
  showRows(newest.query, newest.answer);
});

find("#news").addEventListener("click", () => {
  shown = { ...shown, query: "" };
  document.activeElement?.blur();
  show(newest, context);
  find("#requests").scrollIntoView();
});

find("#request-rows").addEventListener("click", ({ target }) => {
  const line = target.closest("tbody tr");
  if (!line || target.closest("a") || String(getSelection())) return;
  const main = line.classList.contains("detail") ? line.previousElementSibling : line;
  main.querySelector("td.time a").click();
});
