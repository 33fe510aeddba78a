// Shows a report (metrics.json) on the page.

import { find, text } from "./dom.js";
import { ago, span, Zone } from "./format.js";
import { PROXY_STATES, showStatus } from "./status.js";
import { PROVIDER_STATES, showEvents, showLearnt, showProviders } from "./tables.js";
import { showTraffic } from "./traffic.js";

let announced = new Map();

export function show(report) {
  const zone = new Zone(report.config.display_timezone);
  text(find("#version"), report.startup.version ?? "");
  text(find("#clock time"), zone.second(report.generated_at, report.generated_at));
  text(find("#zone"), zone.name);
  showStatus(report);
  showTraffic(report.history, zone);
  showProviders(report, zone);
  showLearnt(report);
  showEvents(report, zone);
  announce(report);
  for (const part of ["#main", "footer"]) find(part).classList.remove("loading");
}

/** Return a sentence for each problem with the proxy or the counting. */
export function troubles({ proxy, counting, generated_at: now }) {
  const found = [];
  if (proxy.state === "gone") {
    const ended = "its process ended without a shutdown event";
    const why = proxy.holds_event_file === false ? ended : "it has stopped sending heartbeats";
    found.push(`The proxy is gone: ${why}. Its last event was written ${ago(proxy.last_event_at, now)}.`);
  }
  if (proxy.clock_ahead_s) {
    const ahead = span(proxy.clock_ahead_s);
    found.push(`The proxy's clock is ${ahead} ahead of the exporter's. Times that cannot be right are marked with ?.`);
  }
  if (counting.commits_failing) {
    found.push("The exporter cannot write its state file; the data shown is from its last commit.");
  }
  return found;
}

/** Announce to screen readers which states have changed since the last report. */
function announce(report) {
  const states = new Map([
    ["Proxy", PROXY_STATES[report.proxy.state][1]],
    ["Counts", report.counting.exact ? "exact" : "not exact"],
    ["Paid gate", report.paid_gate.closed ? "closed" : "open"],
    ...report.providers.map(({ name, state }) => [`Provider ${name}`, PROVIDER_STATES[state][1]]),
  ]);
  const changed = [...states].filter(([what, state]) => announced.has(what) && announced.get(what) !== state);
  if (changed.length) text(find("#announcer"), changed.map(([what, state]) => `${what}: ${state}.`).join(" "));
  announced = states;
}
