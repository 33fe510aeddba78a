// The status cards at the top.

import { find, setState, text } from "./dom.js";
import { ago, compact, count, dollars, some, span } from "./format.js";

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
  proxy({ proxy, uptime_s: uptime, generated_at: now }) {
    const [state, word] = PROXY_STATES[proxy.state];
    if (proxy.state === "running") {
      const up = uptime ? `up ${span(uptime)}, ` : "";
      return [state, word, `${up}${count(proxy.in_flight)} in flight`];
    }
    return [state, word, proxy.last_event_at ? `last event ${ago(proxy.last_event_at, now)}` : "no events yet"];
  },

  answering({ proxy, answering, generated_at: now }) {
    if (!answering) return ["off", "None yet", "no provider has answered"];
    return [proxy.state === "running" ? "good" : "off", answering.provider, ago(answering.at, now)];
  },

  fallbacks({ history, moved_on: moved, generated_at: now }) {
    const { requests, fallbacks } = history.total;
    if (!requests) return ["off", "None", "no requests"];
    if (!fallbacks) return ["good", "None", `first choice answered ${some(requests, "request")}`];
    const when = moved?.at_suspect ? "at an unknown time" : moved && ago(moved.at, now);
    const cause = moved && `last from ${moved.provider} (${moved.error_type ?? "failed"}), ${when}`;
    return ["warn", `${count(fallbacks)} of ${count(requests)}`, cause ?? ""];
  },

  gate({ paid_gate: { closed, providers, requests_blocked: blocked } }) {
    const names = providers.join(", ");
    if (closed === null) return ["off", "Unknown", ""];
    if (!closed) return ["off", "Open", names ? `allows ${names}` : "no paid provider"];
    const excluded = names ? `excludes ${names}` : "no paid provider";
    return blocked
      ? ["warn", "Closed", `${excluded}, ${some(blocked, "request")} blocked`]
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

  today({ today }) {
    const cached = today.cache_read_tokens + today.cache_creation_tokens;
    const tokens = `${compact(today.input_tokens)} tokens in, ${compact(today.output_tokens)} out`;
    return ["off", dollars(today.cost_usd), cached ? `${tokens}, ${compact(cached)} cached` : tokens];
  },
};

export function showStatus(report) {
  for (const [id, card] of Object.entries(CARDS)) {
    const [state, word, more] = card(report);
    setState(find(`#${id} .state`), state, word);
    text(find(`#${id} .more`), more);
  }
  find("#today").title = `Since midnight, ${report.today.date} ${report.today.timezone}`;
}
