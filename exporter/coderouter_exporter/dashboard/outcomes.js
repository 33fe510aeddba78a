// The outcomes of requests, and other words that several views use.

export const OUTCOMES = {
  ok: ["good", "OK"],
  open: ["off", "In progress"],
  exhausted: ["bad", "Exhausted"],
  midstream: ["bad", "Broke off"],
  blocked: ["bad", "Blocked"],
  lost: ["bad", "Lost"],
  client_error: ["warn", "Client error"],
  client_gone: ["off", "Client gone"],
};

export const outcomeOf = (outcome) => OUTCOMES[outcome] ?? ["off", outcome ?? ""];

/** Return what the proxy changed in a request or its answer. */
export function changesOf(request) {
  const kinds = ["adapted", "repaired", "filtered", "degraded"];
  return kinds.flatMap((kind) => [request[kind] ?? []].flat().map((what) => [kind, String(what)]));
}
