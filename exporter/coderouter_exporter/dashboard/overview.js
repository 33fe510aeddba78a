// The overview: how the requests of the range ended, the programs' states, charts, providers and recent events.

import { get } from "./api.js";
import { fill, find, made, text } from "./dom.js";
import { showEvents } from "./events.js";
import { PROVIDER_STATES, showProviders } from "./providers.js";
import { RANGES } from "./route.js";
import { PROXY_STATES, showHeadline, showStatus } from "./status.js";
import { showTraffic } from "./traffic.js";

let announced = new Map();

export const everyMs = 0;

export function load({ hours }) {
  return get("traffic", { hours });
}

export function show(traffic, { status, providers, zone }) {
  for (const range of document.querySelectorAll(".range")) text(range, RANGES[traffic.hours]);
  showEmpty(status, traffic);
  showHeadline(traffic);
  showStatus(status, providers.providers);
  showTraffic(traffic, zone);
  showProviders(providers, status, zone);
  showEvents(status, zone);
  announce(status, providers.providers);
}

/** Say what to run while there is nothing to show. */
function showEmpty({ proxy, sources }, { total }) {
  const isEmpty = proxy.state === "unknown" && !total.requests;
  find("#start").hidden = !isEmpty;
  find("#overview").classList.toggle("empty-page", isEmpty);
  fill(
    find("#sources"),
    sources,
    () => made("li", "", made("code"), " ", made("span")),
    (box, source) => {
      text(box.firstElementChild, source.name);
      text(box.lastElementChild, source.readable ? "" : source.reason);
    },
  );
}

/** Announce to screen readers which states have changed. */
function announce({ proxy, counting, paid_gate: gate }, providers) {
  const states = new Map([
    ["Proxy", PROXY_STATES[proxy.state][1]],
    ["Counts", counting.exact ? "exact" : "not exact"],
    ["Paid gate", gate.closed ? "closed" : "open"],
    ...providers.map(({ name, state }) => [`Provider ${name}`, PROVIDER_STATES[state][1]]),
  ]);
  const changed = [...states].filter(([what, state]) => announced.has(what) && announced.get(what) !== state);
  if (changed.length) text(find("#announcer"), changed.map(([what, state]) => `${what}: ${state}.`).join(" "));
  announced = states;
}
