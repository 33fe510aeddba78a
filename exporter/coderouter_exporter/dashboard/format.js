// Formats numbers, durations and amounts of money.

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86400;
const NONE = "–";

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (number) => whole.format(number ?? 0);

/** Return a number with its noun, in the plural unless it is 1. */
export const some = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

export const compact = (number) =>
  (number ?? null) === null ? NONE : number < 10000 ? whole.format(number) : short.format(number);

/** Return a number per second, to three digits. */
export const rate = (number) => compact((number ?? null) === null ? null : Number(number.toPrecision(3)));

export function dollars(usd) {
  if (usd > 0 && usd < 0.00005) return "<$0.0001";
  const digits = usd > 0 && usd < 1 ? 4 : 2;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** Return an amount for an axis: with as many digits as it needs. */
export const roundDollars = (usd) => `$${usd < 1 ? Number(usd.toPrecision(2)) : compact(usd)}`;

/** Return the cost of so many answers, of which some may be unknown: what is not known is never 0. */
export function cost(usd, unknown, answers) {
  if (!unknown) return dollars(usd ?? 0);
  return unknown < answers ? `${dollars(usd)} + unknown` : "unknown";
}

/** Return the cost of one answer. */
export const priced = ({ cost_usd: usd, outcome }) =>
  (usd ?? null) === null ? (outcome === "ok" ? "unknown" : NONE) : dollars(usd);

/** Return a share, to two or three digits. 100 % means all. */
export function percent(share) {
  if ((share ?? null) === null) return NONE;
  const value = share * 100;
  const digits = value >= 99 && value < 100 ? 2 : value >= 10 || value === 0 ? 0 : 1;
  const floored = Math.floor(value * 10 ** digits) / 10 ** digits;
  return `${(value < 100 ? floored : value).toFixed(digits)} %`;
}

/** Return a measured duration, to two or three digits. */
export function seconds(value) {
  if ((value ?? null) === null) return NONE;
  if (value < 1) return `${Number((value * 1000).toPrecision(value < 0.01 ? 2 : 3))} ms`;
  return value < 100 ? `${Number(value.toPrecision(3))} s` : span(value);
}

/** Return a duration for an axis. */
export const roundSeconds = (value) => (value < 1 ? seconds(value) : `${compact(value)} s`);

/** Return a length of time, roughly. */
export function span(value) {
  const s = Math.max(0, Math.round(value));
  if (s < 100) return `${s} s`;
  if (s < 100 * MINUTE_S) return `${Math.round(s / MINUTE_S)} min`;
  if (s < 2 * DAY_S) return `${Math.floor(s / HOUR_S)} h ${Math.floor((s % HOUR_S) / MINUTE_S)} min`;
  return `${Math.floor(s / DAY_S)} days`;
}

/** Return names in a row, at most `most` of them. */
export function listed(names, most = 3) {
  const [shown, more] = [names.slice(0, most).map((name) => name || "(no name)"), names.length - most];
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Return a table to look up names from outside in: it has no `constructor` and no `__proto__`. */
export const lookup = (rows) => Object.assign(Object.create(null), rows);
