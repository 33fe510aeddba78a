// The headline and the status cards at the top of the overview.

import { attribute, find, setState, text } from "./dom.js";
import { compact, cost, count, listed, some, span } from "./format.js";
import { linkTo, RANGES } from "./route.js";
import { ago } from "./zone.js";

const FAILED_SHARE_BAD = 0.05;

export const PROXY_STATES = {
  running: ["good", "Running"],
  stopped: ["off", "Stopped"],
  gone: ["bad", "Gone"],
  unknown: ["off", "Not seen yet"],
};

const DOUBTS = [
  ["events_missing", "event", "missing"],
  ["file_disappeared", "writer", "in doubt since a file disappeared"],
  ["not_rotated", "file", "of another proxy"],
  ["unproven_lines", "line", "unproven"],
  ["lines_given_up", "line", "given up"],
  ["file_unreadable", "file", "unreadable"],
  ["commits_failing", "commit", "failed"],
  ["passes_failing", "round", "failed"],
  ["catching_up", "byte", "still to be read"],
];

/** For each card's id: returns its state, word and details. */
const CARDS = {
  proxy({ proxy, in_progress: inProgress, uptime_s: uptime, generated_at: now }) {
    const [state, word] = PROXY_STATES[proxy.state];
    if (proxy.state === "running") {
      const up = uptime ? `up ${span(uptime)}, ` : "";
      return [state, word, `${up}${count(inProgress ?? proxy.in_flight)} in progress`];
    }
    const last = proxy.last_event_at ? `last event ${ago(proxy.last_event_at, now)}` : "no events yet";
    return [state, word, `${last}; to start it: coderouter serve`];
  },

  answering({ proxy, answering, generated_at: now }) {
    if (!answering) return ["off", "None yet", "no provider has answered"];
    return [proxy.state === "running" ? "good" : "off", answering.provider, ago(answering.at, now)];
  },

  gate({ paid_gate: { closed, providers: names } }, providers) {
    if (closed === null) return ["off", "Unknown", ""];
    if (!names.length) return ["off", closed ? "Closed" : "Open", "no paid provider"];
    if (!closed) return ["off", "Open", `allows ${listed(names)}`];
    const skipped = providers.reduce((sum, provider) => sum + (provider.paid ? provider.skipped : 0), 0);
    const excluded = `excludes ${listed(names)}`;
    return skipped
      ? ["warn", "Closed", `${excluded}, skipped ${skipped === 1 ? "once" : `${count(skipped)} times`} in this range`]
      : ["good", "Closed", excluded];
  },

  counting({ counting }) {
    const doubts = DOUBTS.filter(([reason]) => counting.doubts[reason]);
    const why = doubts.map(([reason, what, how]) => `${some(counting.doubts[reason], what)} ${how}`).join(", ");
    const [problem, ...others] = counting.problems;
    const unread = others.length ? `${problem}, and ${others.length} more` : problem;
    if (!counting.exact) return ["bad", "Not exact", [why, unread].filter(Boolean).join(", ")];
    if (unread) return ["warn", "Exact", unread];
    const behind = counting.bytes_behind;
    return ["good", "Exact", behind ? `${compact(behind)} bytes behind` : "no events missing"];
  },

  today({ today }, providers) {
    const { unknown_cost: unknown, unknown_providers: names } = today;
    const written = cost(today.cost_usd, unknown, today.answered);
    if (!unknown) return ["off", written, tokens(today)];
    const isPriced = (name) => providers.some((one) => one.name === name && one.unknown_cost < one.answers);
    const why = [
      ["no price for", names.filter((name) => !isPriced(name))],
      ["no token usage from", names.filter(isPriced)],
    ].filter(([, causes]) => causes.length);
    const causes = why.map(([what, whose]) => `${what} ${listed(whose, 2)}`).join(", ");
    return ["warn", written, `coderouter prices: ${causes} (${some(unknown, "answer")})`];
  },
};

function tokens({
  input_tokens: input,
  output_tokens: output,
  cache_read_tokens: read,
  cache_creation_tokens: created,
}) {
  const both = `${compact(input)} tokens in, ${compact(output)} out`;
  return read + created ? `${both}, ${compact(read + created)} cached` : both;
}

export function showStatus(status, providers) {
  for (const [id, card] of Object.entries(CARDS)) {
    const [state, word, more] = card(status, providers);
    setState(find(`#${id} .state`), state, word);
    text(find(`#${id} .more`), more);
    find(`#${id} .more`).title = more;
  }
  find("#today").title = `Since midnight, ${status.today.date} ${status.today.timezone}`;
}

/** Show that nothing is known of what is so only while the exporter says it. */
export function showUnknown(status, at) {
  for (const id of ["proxy", "counting"]) {
    const [, word] = CARDS[id](status);
    setState(find(`#${id} .state`), "off", "Unknown");
    text(find(`#${id} .more`), `${word.toLowerCase()} at ${at}`);
  }
}

/** Show how the requests of the range ended; the colour says how well. */
export function showHeadline({ total, hours, moved_on: moved, generated_at: now }) {
  const { requests, answered, failed, fallbacks } = total;
  text(find("#range"), RANGES[hours]);
  const link = find("#failed-link");
  link.hidden = !failed;
  attribute(link, "href", linkTo("requests", hours, { failed: 1 }));
  text(link, `Show ${failed === 1 ? "it" : `the ${count(failed)}`}`);
  if (!requests) {
    setState(find("#headline .state"), "off", "No requests");
    return text(find("#headline .more"), "To connect an agent: coderouter env");
  }
  const failures = failed ? `${count(failed)} failed` : "none failed";
  setState(find("#headline .state"), judged(total), `Answered ${count(answered)} of ${count(requests)}, ${failures}`);
  const ended = requests - answered - failed;
  const when = moved?.at_suspect ? "at an unknown time" : moved && ago(moved.at, now);
  const last = moved && `, last after ${moved.provider} failed (${moved.error_type ?? "unknown"}) ${when}`;
  const moves = fallbacks
    ? `${some(fallbacks, "request")} needed more than one provider${last ?? ""}`
    : "the first choice answered";
  const parts = [ended > 0 && `${count(ended)} ended by the client`, (answered > 0 || fallbacks > 0) && moves];
  text(find("#headline .more"), parts.filter(Boolean).join("; "));
}

function judged({ answered, failed }) {
  if (!failed) return answered ? "good" : "off";
  return failed / (answered + failed) < FAILED_SHARE_BAD ? "warn" : "bad";
}
