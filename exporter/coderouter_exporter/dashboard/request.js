// One request: its values, its tries as a waterfall, and its steps.

import { get } from "./api.js";
import { attribute, fill, find, made, setState, text } from "./dom.js";
import { compact, count, lookup, priced, seconds, span } from "./format.js";
import { outcomeOf, whyFailed, whySkipped } from "./outcomes.js";
import { linkTo } from "./route.js";
import { showWaterfall } from "./waterfall.js";

const COPIED_MS = 1500;

const panel = find("#request");
const STEP_STATES = lookup({
  ok: "good",
  finished: "off",
  failed: "bad",
  midstream: "bad",
  skipped: "warn",
  degraded: "warn",
});

let written = "";

const given = (value, write = String) => ((value ?? null) === null ? null : write(value));
const join = (...parts) => parts.filter(Boolean).join(", ");

/** Label, text, and a filter that the text links to. */
const FIELDS = [
  ["Answered by", (row) => join(row.provider, row.model), (row) => row.provider && { provider: row.provider }],
  ["Requested model", (row) => row.requested_model],
  ["Profile", (row) => row.profile, (row) => row.profile && { profile: row.profile }],
  ["Agent", (row) => join(row.agent, row.request_class), (row) => row.agent && { agent: row.agent }],
  ["Session", (row) => row.session, (row) => row.session && { session: row.session }],
  ["Wire", (row) => join(row.ingress, row.stream ? "streaming" : row.stream === false && "not streaming")],
  ["Status", (row) => given(row.status)],
  ["Stop reason", (row) => row.stop_reason],
  ["Waited in queue", (row) => given(row.waited_s, seconds)],
  ["First token", (row) => given(row.ttft_s, seconds)],
  ["Duration", (row) => given(row.duration_s, seconds)],
  ["Tokens in", (row) => given(row.input_tokens, compact)],
  ["Tokens out", (row) => given(row.output_tokens, compact)],
  ["From cache", (row) => given(row.cache_read_tokens, compact)],
  ["To cache", (row) => given(row.cache_creation_tokens, compact)],
  ["Cost", priced],
  ["Tool calls", (row) => (row.had_tools ? given(row.tool_calls, count) : null)],
  ["API key", (row) => given(row.key_index, (index) => `number ${index + 1}`)],
];

export const load = (id) => get(`requests/${encodeURIComponent(id)}`);

/** Show the panel for a request; its values follow. */
export function open(id, back) {
  panel.hidden = false;
  document.body.classList.add("with-request");
  attribute(find("#request-close"), "href", back);
  text(find("#request-id"), id);
  if (panel.dataset.id !== id) {
    panel.dataset.id = id;
    panel.classList.add("loading");
    panel.scrollTop = 0;
    written = "";
  }
}

export function close() {
  panel.hidden = true;
  delete panel.dataset.id;
  document.body.classList.remove("with-request");
}

export function showMissing(error) {
  panel.classList.remove("loading");
  panel.classList.add("missing");
  setState(find("#request-outcome"), "off", error.message);
}

export function show(request, { status, zone, route }) {
  const now = status.generated_at;
  const isOpen = request.outcome === "open";
  const next = JSON.stringify([request, route.hours, zone.name, isOpen && now]);
  panel.classList.remove("loading", "missing");
  if (next === written) return;
  written = next;
  setState(find("#request-outcome"), ...outcomeOf(request.outcome));
  const at = zone.second(request.started ?? request.ts, now);
  const age = (Date.parse(now) - Date.parse(request.started ?? request.ts)) / 1000;
  text(find("#request-time"), `${at}, ${isOpen ? `since ${span(age)}` : `${span(age)} ago`}`);
  const error = request.outcome === "ok" ? "" : whyFailed(request);
  text(find("#request-error"), error);
  find("#request-error").hidden = !error;
  showWaterfall(find("#waterfall"), request, isOpen ? age : null);
  showSteps(request.steps ?? []);
  showFields(request, route.hours);
}

function showSteps(steps) {
  fill(find("#steps"), steps, step, (line, one) => {
    const { at_s: at, what, provider } = one;
    const [time, state, who, words] = line.children;
    text(time, (at ?? null) === null ? "" : `+${seconds(at)}`);
    setState(state, STEP_STATES[what] ?? "off", what);
    text(who, provider ?? "");
    text(words, detail(one));
  });
}

const HIDDEN = [
  "at_s",
  "what",
  "provider",
  "error_type",
  "status",
  "error",
  "reason",
  "spent_usd",
  "budget_usd",
  "outcome",
];

function detail(step) {
  const { what, error_type: type, status, error, reason, outcome, duration_s: duration, ...more } = step;
  const rest = Object.entries(more).filter(([name, value]) => !HIDDEN.includes(name) && (value ?? null) !== null);
  const named = rest.map(([name, value]) => `${name.replaceAll("_", " ")} ${[value].flat().join(", ")}`);
  const why = what === "skipped" ? whySkipped(step) : reason;
  const took = (duration ?? null) === null ? "" : `after ${seconds(duration)}`;
  return [outcome, took, type, status >= 400 && `HTTP ${status}`, ...named, why, error].filter(Boolean).join(", ");
}

const step = () =>
  made("li", "", made("span", "at"), made("span", "state"), made("span", "who"), made("span", "words"));

function showFields(request, hours) {
  const shown = FIELDS.map(([label, read, filter]) => [label, read(request), filter?.(request)]).filter(
    ([, value]) => value,
  );
  fill(
    find("#request-fields"),
    shown,
    () => made("div", "", made("dt"), made("dd")),
    (box, [label, value, filter]) => {
      const [name, cell] = box.children;
      text(name, label);
      if (!filter) return text(cell, value);
      const link = made("a", "", value);
      link.href = linkTo("requests", hours, filter);
      link.title = `Requests with this ${label.toLowerCase()}`;
      cell.replaceChildren(link);
    },
  );
}

/** Copy the id; where the browser does not allow that, select it. */
find("#request-copy").addEventListener("click", async ({ target }) => {
  const id = find("#request-id");
  try {
    await navigator.clipboard.writeText(id.textContent);
    text(target, "Copied");
    setTimeout(() => text(target, "Copy id"), COPIED_MS);
  } catch {
    getSelection().selectAllChildren(id);
  }
});
