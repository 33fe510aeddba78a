// Formats times: in the configured zone, or the reader's own. Times of the API are RFC 3339.

import { span } from "./format.js";

export const unixTime = (utc) => Date.parse(utc) / 1000;

/** Return the mark of a time whose clock was wrong. */
export const doubt = (isSuspect) => (isSuspect ? " ?" : "");

/** Return how long before `now` a time was. */
export const ago = (utc, now) => `${span(unixTime(now) - unixTime(utc))} ago`;

/** Return a day such as 2026-12-01 as "1 Dec". */
export const day = (date) =>
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(Date.parse(date));

export class Zone {
  constructor(name) {
    const options = { hourCycle: "h23", hour: "2-digit", minute: "2-digit" };
    try {
      this.time = new Intl.DateTimeFormat("en", { ...options, timeZone: name ?? undefined });
    } catch {
      this.time = new Intl.DateTimeFormat("en", options);
    }
    this.given = name;
    this.name = this.time.resolvedOptions().timeZone;
    const timeZone = this.name;
    this.exact = new Intl.DateTimeFormat("en", { ...options, second: "2-digit", timeZone });
    this.date = new Intl.DateTimeFormat("en-CA", { timeZone });
    this.dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone });
    this.offset = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  }

  /** Return hours and minutes. */
  minute(unix) {
    return this.time.format(unix * 1000);
  }

  day(unix) {
    return this.dayMonth.format(unix * 1000);
  }

  /** Return the time to the second, with the date unless it is that of `now`. */
  second(utc, now) {
    const [at, today] = [Date.parse(utc), Date.parse(now)];
    if (Number.isNaN(at)) return "";
    const day = this.date.format(at) === this.date.format(today) ? "" : `${this.dayMonth.format(at)} `;
    return day + this.exact.format(at);
  }

  /** Return by how many seconds local time is ahead of UTC. */
  ahead(unix) {
    const named = this.offset.formatToParts(unix * 1000).find(({ type }) => type === "timeZoneName").value;
    const [, sign, hours, minutes] = /([+-])(\d+):(\d+)/.exec(named) ?? [null, "+", 0, 0];
    return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
  }
}
