// The filters of requests and sessions: a form that follows the address, and the address the form.

import { fill, find, made, text } from "./dom.js";
import { OUTCOMES } from "./outcomes.js";
import { linkTo } from "./route.js";

const TYPING_MS = 250;
const FIELDS = ["error", "outcome", "provider", "model", "profile", "agent", "session"];
const FAILED = "failed"; // stands for all of these among the outcomes
const FAILURES = ["exhausted", "midstream", "blocked", "lost"];

const form = find("#filters");
const seen = Object.fromEntries(FIELDS.map((name) => [name, new Set()])); // values to choose from
let route = null;
let typing;

/** Return the parameters for the API. */
export function wanted({ hours, parameters }) {
  const found = Object.fromEntries(FIELDS.map((name) => [name, parameters.getAll(name)]));
  if (parameters.has(FAILED)) found.outcome = FAILURES;
  return { ...found, until: parameters.get("until"), since: parameters.get("since") ?? `${hours}h` };
}

/** Say which route the filters change. */
export function at(current) {
  route = current;
}

/** Go to the current view with one parameter changed; without a value it is removed. */
export function change(name, value) {
  const parameters = new URLSearchParams(route.parameters);
  parameters.delete(name);
  if (name === "outcome") parameters.delete(FAILED);
  if (value === FAILED && name === "outcome") parameters.set(FAILED, "1");
  else if (value) parameters.set(name, value);
  location.replace(linkTo(route.view, route.hours, parameters));
}

/** Show which filters apply, and offer the values that the configuration and the rows have. */
export function showFilters(current, { status: { config } }, rows, zone) {
  route = current;
  remember("provider", config.providers, "name");
  remember("profile", config.profiles, "name");
  for (const name of FIELDS) remember(name, rows, name);
  for (const field of form.elements) if (field.name) showField(field, current.parameters);
  const [since, until] = ["since", "until"].map((name) => Date.parse(current.parameters.get(name)) / 1000);
  find("#period").hidden = !(since && until);
  if (since && until) text(find("#period span"), `${zone.day(since)} ${zone.minute(since)} to ${zone.minute(until)}`);
  find("#clear").hidden = !current.parameters.size;
}

function remember(name, rows, field) {
  for (const row of rows) if (row[field]) seen[name].add(row[field]);
}

function showField(field, parameters) {
  const isFailed = field.name === "outcome" && parameters.has(FAILED);
  const value = isFailed ? FAILED : (parameters.get(field.name) ?? "");
  if (field.tagName === "SELECT") offer(field, value);
  if (field !== document.activeElement && field.value !== value) field.value = value;
}

function offer(select, value) {
  const values =
    select.name === "outcome"
      ? outcomes()
      : [...new Set([...seen[select.name], value])]
          .filter(Boolean)
          .sort()
          .map((name) => [name, name]);
  const options = [["", select.dataset.all], ...values];
  if (select.options.length === options.length && select.value === value) return;
  fill(
    select,
    options,
    () => made("option"),
    (option, [name, word]) => {
      option.value = name;
      text(option, word);
    },
  );
  select.value = value;
}

const outcomes = () => [[FAILED, "All failures"], ...Object.entries(OUTCOMES).map(([name, [, word]]) => [name, word])];

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => target.tagName === "SELECT" && change(target.name, target.value));
form.addEventListener("input", ({ target }) => {
  if (target.tagName !== "INPUT") return;
  clearTimeout(typing);
  typing = setTimeout(() => change(target.name, target.value.trim()), TYPING_MS);
});
find("#period button").addEventListener("click", () => {
  const parameters = new URLSearchParams(route.parameters);
  for (const name of ["since", "until"]) parameters.delete(name);
  location.replace(linkTo(route.view, route.hours, parameters));
});
find("#clear").addEventListener("click", () => location.replace(linkTo(route.view, route.hours)));
