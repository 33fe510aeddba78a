// Writes a report (metrics.json) into the page.

import { find, text } from "./dom.js";
import { ago, Zone } from "./format.js";
import { PROXY_STATES, showStatus } from "./status.js";
import { PROVIDER_STATES, showEvents, showProviders } from "./tables.js";
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
  showEvents(report, zone);
  announce(report);
  for (const part of ["#main", "footer"]) find(part).classList.remove("loading");
}

/** Return what is wrong with the proxy or with the counting, in sentences; none when all is well. */
export function troubles({ proxy, counting, generated_at: now }) {
  const found = [];
  if (proxy.state === "gone") {
    const ended = "its process has ended without saying so";
    const why = proxy.holds_event_file === false ? ended : "it has stopped writing heartbeats";
    found.push(`The proxy is gone: ${why}. Its last event was written ${ago(proxy.last_event_at, now)}.`);
  }
  if (counting.commits_failing) {
    found.push("The exporter cannot write its state file; what is shown is what it could keep last.");
  }
  return found;
}

/** Say to those who do not see the page what has changed its state since the last report. */
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
