// The tables of recent events and of what was learnt from refusals.

import { find } from "./dom.js";
import { linkToRequest } from "./route.js";
import { links, names, states, Table, words } from "./table.js";
import { doubt } from "./zone.js";

const EVENTS_SHOWN = 50;
const LEVELS = { INFO: "off", WARNING: "warn", ERROR: "bad" };

let zone;
let now;

const events = new Table(find("#events"), [
  words("Time", "time", ({ ts, ts_suspect: suspect }) => zone.second(ts, now) + doubt(suspect)),
  states("Event", "event", ({ level, event }) => [LEVELS[level], event]),
  words("Provider", "provider", ({ provider }) => provider ?? ""),
  words("What happened", "what", ({ text }) => text),
  links("Request", "request", ({ request_id: id }) => [id && linkToRequest(id), id ?? "", id]),
]);

const learnt = new Table(find("#learnt"), [
  names("Provider", ({ provider }) => [provider, ""]),
  words("Line", "yaml", ({ line }) => line),
  words("Reasons", "error", ({ reasons }) => reasons.join(", ")),
]);

export function showEvents(status, inZone) {
  [zone, now] = [inZone, status.generated_at];
  events.show(status.events.slice(-EVENTS_SHOWN).reverse());
  find("#learnt-section").hidden = !status.learnt.length;
  learnt.show(status.learnt);
}
