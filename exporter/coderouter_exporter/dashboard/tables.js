// The tables of providers and of recent events.

import { find, nameCell, numberCell, rows, stateCell, textCell } from "./dom.js";
import { count, doubt } from "./format.js";

const EVENTS_SHOWN = 50;

export const PROVIDER_STATES = {
  ok: ["good", "OK"],
  failing: ["bad", "Failing"],
  cooldown: ["warn", "Cooling down"],
  gated: ["off", "Gate closed"],
  unused: ["off", "Not used yet"],
};

const EVENT_LEVELS = { INFO: "off", WARNING: "warn", ERROR: "bad" };

export function showProviders(report, zone) {
  const { config, answering, generated_at: now } = report;
  const chain = config.profiles.find(({ name }) => name === config.default_profile)?.providers ?? [];
  const place = ({ name }) => (chain.includes(name) ? chain.indexOf(name) : chain.length);
  const paid = new Set(config.providers.filter((provider) => provider.paid).map(({ name }) => name));
  const sorted = [...report.providers].sort((one, two) => place(one) - place(two));
  rows("providers", sorted, (row, provider) => {
    const { name, outcomes, last_error: error } = provider;
    const tags = [paid.has(name) && "paid", answering?.provider === name && "last answer"];
    textCell(row, 0, chain.includes(name) ? place(provider) + 1 : "", "number place");
    nameCell(row, 1, name, tags.filter(Boolean).join(", "));
    stateCell(row, 2, ...PROVIDER_STATES[provider.state]);
    const numbers = { tries: provider.attempts, ok: outcomes.ok, failed: outcomes.failed };
    const named = Object.entries({ ...numbers, "mid-stream": outcomes.failed_midstream });
    named.forEach(([what, number], at) => {
      numberCell(row, 3 + at, count(number), !number, what);
    });
    textCell(
      row,
      7,
      error ? `${zone.second(error.ts, now)}${doubt(error.ts_suspect)} ${errorText(error)}` : "",
      "error",
    );
  });
}

function errorText({ status, error_type: type, error }) {
  const kind = [type, status && !error.includes(status) && `HTTP ${status}`].filter(Boolean).join(", ");
  return [kind, error].filter(Boolean).join(": ");
}

/** Show what each provider turned out to need, with the line for providers.yaml; nothing if nothing was learnt. */
export function showLearnt({ learnt }) {
  find("#learnt-section").hidden = !learnt.length;
  rows("learnt", learnt, (row, { provider, line, reasons }) => {
    nameCell(row, 0, provider, "");
    textCell(row, 1, line, "yaml");
    textCell(row, 2, reasons.join(", "), "error");
  });
}

export function showEvents(report, zone) {
  const newest = report.events.slice(-EVENTS_SHOWN).reverse();
  rows("events", newest, (row, event) => {
    textCell(row, 0, zone.second(event.ts, report.generated_at) + doubt(event.ts_suspect), "time");
    row.cells[0].title = event.ts_suspect ? "The clock that gave this time was wrong." : "";
    stateCell(row, 1, EVENT_LEVELS[event.level], event.event, "event");
    textCell(row, 2, event.provider ?? "", "provider");
    textCell(row, 3, event.text, "what");
    textCell(row, 4, event.request_id ?? "", "request");
  });
}
