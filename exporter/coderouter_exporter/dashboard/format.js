// Formats numbers, durations and times. Input times are UTC, to the second and without a zone.

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86400;

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (number) => whole.format(number ?? 0);

/** Return a number with its noun, in the plural unless it is 1. */
export const some = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

export const compact = (number) => (number < 10000 ? whole.format(number) : short.format(number));

export function dollars(usd) {
  const digits = usd > 0 && usd < 1 ? 4 : 2;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** Return a measured duration, to two or three digits. */
export function seconds(value) {
  if (value === null) return "–";
  if (value < 1) return `${Number((value * 1000).toPrecision(value < 0.01 ? 2 : 3))} ms`;
  return value < 100 ? `${Number(value.toPrecision(3))} s` : span(value);
}

/** Return a length of time, roughly. */
export function span(value) {
  const s = Math.max(0, Math.round(value));
  if (s < 100) return `${s} s`;
  if (s < 100 * MINUTE_S) return `${Math.round(s / MINUTE_S)} min`;
  if (s < 2 * DAY_S) return `${Math.floor(s / HOUR_S)} h ${Math.floor((s % HOUR_S) / MINUTE_S)} min`;
  return `${Math.floor(s / DAY_S)} days`;
}

export const unixTime = (utc) => Date.parse(`${utc}Z`) / 1000;

/** Return the mark of a time whose clock was wrong. */
export const doubt = (isSuspect) => (isSuspect ? " ?" : "");

/** Return how long before `now` a time was. */
export const ago = (utc, now) => `${span(unixTime(now) - unixTime(utc))} ago`;

/** The zone of displayed times: the configured one, or the reader's own. */
export class Zone {
  constructor(name) {
    const options = { hourCycle: "h23", hour: "2-digit", minute: "2-digit" };
    try {
      this.time = new Intl.DateTimeFormat("en", { ...options, timeZone: name ?? undefined });
    } catch {
      this.time = new Intl.DateTimeFormat("en", options);
    }
    this.name = this.time.resolvedOptions().timeZone;
    const timeZone = this.name;
    this.exact = new Intl.DateTimeFormat("en", { ...options, second: "2-digit", timeZone });
    this.date = new Intl.DateTimeFormat("en-CA", { timeZone });
    this.dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone });
  }

  /** Return hours and minutes. */
  minute(unix) {
    return this.time.format(unix * 1000);
  }

  /** Return the time to the second, with the date unless it is that of `now`. */
  second(utc, now) {
    const [at, today] = [unixTime(utc) * 1000, unixTime(now) * 1000];
    const day = this.date.format(at) === this.date.format(today) ? "" : `${this.dayMonth.format(at)} `;
    return day + this.exact.format(at);
  }
}
