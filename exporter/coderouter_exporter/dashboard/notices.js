// What needs attention, as sentences, each with what to do about it.

import { dollars, listed, lookup, span } from "./format.js";
import { ago, day, unixTime } from "./zone.js";

const RECENT_S = 600;
const CONFIG_EVENTS = ["config-reload-failed", "config-reloaded", "coderouter-startup"];

/** What to do about a failing provider, by the type of its last error. */
const ADVICE = lookup({
  auth: ["Set its API key where the proxy was started, then start it again. To check it:", "coderouter doctor"],
  connect: ["Start its server, or correct its base_url in providers.yaml. To check it:", "coderouter doctor"],
  not_found: ["Correct its model or base_url in providers.yaml. To see which models it has:", "coderouter doctor"],
  timeout_first_byte: ["It is overloaded, or loads its model. To see how long it takes:", "coderouter doctor"],
  rate_limited: ["It limits requests; put another provider behind it in the profile.", ""],
});
const DEFAULT_ADVICE = ["To check it:", "coderouter doctor"];
const BROKE_OFF_ADVICE = ["Its answer broke off. If that happens again, see the log of its server.", ""];

/** Return {state, sentence, advice, command} for each; `state` is bad or warn. */
export function notices(status, providers) {
  return [...ofProxy(status), ...ofExporter(status), ...ofConfiguration(status), ...ofProviders(status, providers)];
}

/** Return [advice, command] for an error; both are empty if there is nothing special to do. */
export function adviceFor(error) {
  const brokeOff = error.error_type === "connect" && error.retryable === false; // no other provider was tried
  return brokeOff ? BROKE_OFF_ADVICE : (ADVICE[error.error_type] ?? ["", ""]);
}

const bad = (sentence, advice = "", command = "") => ({ state: "bad", sentence, advice, command });
const warn = (sentence, advice = "", command = "") => ({ state: "warn", sentence, advice, command });

function ofProxy({ proxy, generated_at: now }) {
  const found = [];
  if (proxy.state === "gone") {
    const ended = "its process ended without a shutdown event";
    const why = proxy.holds_event_file === false ? ended : "it has stopped sending heartbeats";
    const last = `Its last event was written ${ago(proxy.last_event_at, now)}.`;
    found.push(bad(`The proxy is gone: ${why}. ${last}`, "To start it again:", "coderouter serve"));
  }
  if (proxy.clock_ahead_s) {
    const ahead = span(proxy.clock_ahead_s);
    found.push(
      warn(
        `The proxy's clock is ${ahead} ahead of the exporter's. Times that cannot be right are marked with ?.`,
        "Set the clock of the machine that is wrong.",
      ),
    );
  }
  return found;
}

function ofExporter({ counting }) {
  return counting.commits_failing
    ? [bad("The exporter cannot write its state file; the data shown is from its last commit.", "See its log for why.")]
    : [];
}

function ofConfiguration({ events }) {
  const newest = events.findLast(({ event }) => CONFIG_EVENTS.includes(event));
  if (newest?.event !== CONFIG_EVENTS[0]) return [];
  const why = newest.text || "see the proxy's log";
  const end = /[.…]$/.test(why) ? "" : ".";
  const sentence = `providers.yaml has errors; the proxy keeps its previous configuration: ${why}${end}`;
  return [bad(sentence, "Correct it (coderouter check-config lists all errors), then:", "coderouter reload")];
}

function ofProviders(status, providers) {
  if (status.proxy.state !== "running") return [];
  const spent = providers.filter(({ state }) => state === "budget");
  const failing = providers.filter((provider) => fails(provider, status));
  const broken = new Set([...spent, ...failing].map(({ name }) => name));
  const blocked = providers.filter(({ name, state }) => broken.has(name) || state === "gated");
  const [without, others] = profilesBy(status.config.profiles, new Set(blocked.map(({ name }) => name)), broken);
  return [...without, ...spent.map((provider) => spentBudget(provider, others)), ...byCause(failing).map(failure)];
}

/** Return a notice of the profiles that no provider answers for, and the chains of the others. */
function profilesBy(profiles, blocked, broken) {
  const isWithout = ({ providers: chain }) =>
    chain.length > 0 && chain.every((name) => blocked.has(name)) && chain.some((name) => broken.has(name));
  const names = profiles.filter(isWithout).map(({ name }) => name);
  const [noun, its] = names.length > 1 ? ["profiles", "their"] : ["profile", "its"];
  const sentence = `No provider of ${noun} ${listed(names)} answered when last tried: ${its} requests fail until one does.`;
  const chains = profiles.filter((profile) => !isWithout(profile)).map(({ providers: chain }) => chain);
  return [names.length ? [bad(sentence, "Below is why.")] : [], chains];
}

function spentBudget({ name, budget: { budget_usd: budget, spent_usd: spent, until } }, otherChains) {
  const amounts = `${dollars(spent)} of ${dollars(budget)}`;
  const others = otherChains.some((chain) => chain.includes(name)) ? " Requests go to the other providers." : "";
  return warn(
    `${name}: budget spent until ${day(until)} (${amounts}).${others}`,
    "To continue sooner, raise its monthly_budget_usd in providers.yaml, then:",
    "coderouter reload",
  );
}

/** Return whether it has failed since the configuration is in use, and so still does as far as is known. */
function fails({ state, last_error: error }, { generated_at: now, started_at: started, events }) {
  if (!error || !["failing", "cooldown"].includes(state)) return false;
  const reloaded = events.findLast(({ event }) => event === "config-reloaded")?.ts;
  const since = Math.max(...[started, reloaded].filter(Boolean).map(unixTime), 0);
  if (unixTime(error.ts) < since) return false;
  return error.error_type === "auth" || unixTime(now) - unixTime(error.ts) < RECENT_S;
}

function byCause(failing) {
  const causes = new Map();
  for (const provider of failing) {
    const cause = JSON.stringify([provider.last_error.error_type, adviceFor(provider.last_error)]);
    causes.set(cause, [...(causes.get(cause) ?? []), provider]);
  }
  return [...causes.values()];
}

function failure(providers) {
  const [{ last_error: error }] = providers;
  const [advice, command] = adviceFor(error)[0] ? adviceFor(error) : DEFAULT_ADVICE;
  const verb = providers.length > 1 ? "fail" : "fails";
  return warn(`${listed(providers.map(({ name }) => name))} ${verb}: ${errorText(error)}`, advice, command);
}

/** Return the type of an error, its status unless the message has it, and the message. */
export function errorText({ status, error_type: type, error }) {
  const kind = [type, status >= 400 && !error?.includes(status) && `HTTP ${status}`].filter(Boolean).join(", ");
  return [kind, error].filter(Boolean).join(": ");
}
