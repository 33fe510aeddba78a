// The table of providers in the chosen range.

import { find, made, setState, text } from "./dom.js";
import { cost, count, dollars, percent, rate, seconds } from "./format.js";
import { adviceFor, errorText } from "./notices.js";
import { linkTo } from "./route.js";
import { names, numbers, Table, words } from "./table.js";
import { day, doubt } from "./zone.js";

export const PROVIDER_STATES = {
  ok: ["good", "OK"],
  failing: ["bad", "Failing"],
  cooldown: ["warn", "Cooling down"],
  budget: ["warn", "Budget spent"],
  gated: ["off", "Gate closed"],
  unused: ["off", "Not used yet"],
};

const TRIES = "OK, failed and mid-stream add up to tries";
const columns = [
  words("#", "number place", ({ place }) => place || "", { title: "Position in the default profile" }),
  names("Provider", ({ name, paid }) => [name, paid ? "paid" : ""]),
  { label: "State", kind: "state-and-budget", write: writeState },
  numbers("Share", ({ share }) => percent(share), { title: "Share of the answers" }),
  numbers("Success", ({ success }) => percent(success), { title: "Share of the tries that answered completely" }),
  numbers("Tries", ({ tries }) => count(tries), { title: TRIES }),
  numbers("OK", ({ ok }) => count(ok), { title: TRIES }),
  numbers("Failed", ({ failed }) => count(failed), { title: "Before any of the answer reached the client" }),
  numbers("Mid-stream", ({ midstream }) => count(midstream), { title: "Broke off after the first content" }),
  numbers("Skipped", ({ skipped }) => count(skipped), { title: "Not tried: paid gate, budget, unknown" }),
  numbers("First token", (row) => both(row.first_token_p50_s, row.first_token_p95_s), {
    title: "p50 / p95, streaming",
  }),
  numbers("Tokens/s", ({ tokens_per_s: speed }) => rate(speed), {
    title: "Output tokens by the time after the first one",
  }),
  numbers("Cache", ({ cache_hit: hit }) => percent(hit), {
    title: "Share of the prompt read from the provider's cache",
  }),
  numbers("Cost", (row) => (row.answers ? cost(row.cost_usd, row.unknown_cost, row.answers) : "–")),
];

const table = new Table(find("#providers"), columns, { key: ({ name }) => name, detail: writeError });
let zone;
let now;

const both = (half, most) => ((half ?? null) === null ? "–" : `${seconds(half)} / ${seconds(most)}`);

export function showProviders({ providers, hours }, status, inZone) {
  [zone, now] = [inZone, status.generated_at];
  const { config } = status;
  const chain = config.profiles.find(({ name }) => name === config.default_profile)?.providers ?? [];
  const place = ({ name }) => (chain.includes(name) ? chain.indexOf(name) + 1 : 0);
  find("#providers").classList.toggle("without-chain", !chain.length);
  const rows = providers.map((provider) => ({ ...provider, hours, place: place(provider) }));
  table.show(rows.sort((one, two) => (one.place || Infinity) - (two.place || Infinity)));
}

function writeState(cell, { state, budget }) {
  if (!cell.firstElementChild) {
    const bar = made("progress");
    bar.max = 1;
    cell.append(made("span", "state"), made("span", "budget", bar, made("small")));
  }
  const [mark, word] = PROVIDER_STATES[state];
  setState(cell.firstElementChild, mark, state === "budget" && budget ? `${word} until ${day(budget.until)}` : word);
  const box = cell.lastElementChild;
  box.hidden = !budget;
  if (!budget) return;
  const amounts = `${dollars(budget.spent_usd)} of ${dollars(budget.budget_usd)}`;
  box.firstElementChild.value = budget.budget_usd > 0 ? Math.min(1, budget.spent_usd / budget.budget_usd) : 1;
  box.firstElementChild.setAttribute("aria-label", `Budget: ${amounts}`);
  box.classList.toggle("spent", budget.spent);
  text(box.lastElementChild, amounts);
}

/** Write the last error with a link to the requests it is from, and what to do if the provider still fails. */
function writeError(cell, { name, state, last_error: error, unknown_cost: unknown, hours }) {
  if (!error && !unknown) return false;
  if (!cell.firstElementChild) cell.append(made("span", "error"), " ", made("a"), " ", made("span", "advice"));
  const [words_, link, advice] = cell.children;
  text(words_, error ? `Last error ${zone.second(error.ts, now)}${doubt(error.suspect)} ${errorText(error)}` : "");
  link.hidden = !error;
  link.href = linkTo("requests", hours, { failed: 1, provider: name });
  text(link, "requests");
  const prices = unknown
    ? `Unknown cost of ${count(unknown)}: add its prices to providers.yaml, see coderouter prices.`
    : "";
  const fix = error && (state === "failing" || state === "cooldown") ? adviceFor(error).join(" ").trim() : "";
  text(advice, [fix, prices].filter(Boolean).join(" "));
  return true;
}
