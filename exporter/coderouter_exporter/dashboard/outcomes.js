// The outcomes of requests, and other words that several views use.

import { dollars, lookup } from "./format.js";

export const OUTCOMES = lookup({
  ok: ["good", "OK"],
  open: ["off", "In progress"],
  exhausted: ["bad", "Exhausted"],
  midstream: ["bad", "Broke off"],
  blocked: ["bad", "Blocked"],
  lost: ["bad", "Lost"],
  client_error: ["warn", "Client error"],
  client_gone: ["off", "Client gone"],
});

export const outcomeOf = (outcome) => OUTCOMES[outcome] ?? ["off", outcome ?? ""];

const SKIPPED = lookup({
  paid: "the paid gate is closed",
  unknown: "not in providers.yaml",
  budget: "budget spent",
  context: "context too small",
});

/** Return why a provider was not tried; empty if it was. */
export function whySkipped({ reason, spent_usd: spent, budget_usd: budget }) {
  const why = SKIPPED[reason] ?? reason ?? "";
  return (spent ?? null) === null || (budget ?? null) === null
    ? why
    : `${why}: ${dollars(spent)} of ${dollars(budget)}`;
}

/** Return the error of a request; without one, why its providers were not tried. */
export function whyFailed({ error_type: type, error, tries }) {
  const said = [type, error].filter(Boolean).join(": ");
  const skipped = tries.filter(({ result }) => result === "skipped");
  return said || skipped.map((one) => `${one.provider}: ${whySkipped(one)}`).join("; ");
}

/** Return what the proxy changed in a request or its answer. */
export function changesOf(request) {
  const kinds = ["adapted", "repaired", "filtered", "degraded"];
  return kinds.flatMap((kind) => [request[kind] ?? []].flat().map((what) => [kind, String(what)]));
}
