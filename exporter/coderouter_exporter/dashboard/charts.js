// Charts of stacked bars, drawn as SVG. The pointer or the arrow keys read a step; dragging selects steps to zoom to.

import { attribute, fill, made, text } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const GAP = 0.16;
const THIN = 1.6;
const MARKS_S = [300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000];

export class Chart {
  /** `onZoom` is called with the first and the last step that are selected, or with null. */
  constructor(figure, onZoom) {
    this.plot = figure.querySelector(".plot");
    this.readout = figure.querySelector(".readout");
    this.onZoom = onZoom;
    this.svg = element("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.ticks = made("div", "ticks");
    this.marks = made("div", "marks");
    this.plot.replaceChildren(this.svg, this.ticks, this.marks);
    this.at = null;
    this.from = null;
    const on = (name, listen) => this.plot.addEventListener(name, listen);
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#read(this.#under(event)));
    on("pointerup", () => this.#release());
    for (const end of ["pointerleave", "pointercancel", "blur"]) on(end, () => this.#leave());
    on("keydown", (event) => this.#step(event));
  }

  /**
   * Draw the bars, one list of parts {kind, from, to} for each step. `say(at)` reads a step, `tick` formats a value,
   * `time(at)` the beginning of a step, and `marks` are the steps to name below, with their names.
   */
  draw({ bars, say, tick, least }, time, marks) {
    this.bars = bars;
    this.say = (at) => `${time(at)}: ${say(at)}`;
    const top = rounded(Math.max(least, ...bars.flat().map((part) => part.to)));
    const y = (value) => HEIGHT * (1 - value / top);
    attribute(this.svg, "viewBox", `0 0 ${Math.max(1, bars.length)} ${HEIGHT}`);
    const levels = [top, top / 2, 0];
    const grid = levels.map((value) =>
      element("line", { class: "grid", x1: 0, x2: bars.length, y1: y(value), y2: y(value) }),
    );
    const lines = marks.map(([at]) => element("line", { class: "grid mark", x1: at, x2: at, y1: 0, y2: HEIGHT }));
    const drawn = bars.flatMap((parts, at) => parts.filter(isSeen).map((part) => bar(part, at, y)));
    this.svg.replaceChildren(...grid, ...lines, ...drawn);
    fill(
      this.ticks,
      levels,
      () => made("span"),
      (label, value) => text(label, value ? tick(value) : "0"),
    );
    fill(
      this.marks,
      marks,
      () => made("span"),
      (label, [at, name]) => {
        label.style.left = `${(100 * at) / bars.length}%`;
        text(label, name);
      },
    );
    this.#read(this.at);
  }

  #under(event) {
    const box = this.svg.getBoundingClientRect();
    return Math.floor(((event.clientX - box.left) / box.width) * this.bars.length);
  }

  #press(event) {
    if (event.button || !this.onZoom) return;
    this.from = this.#within(this.#under(event));
    this.#read(this.from);
  }

  #release() {
    const [from, at] = [this.from, this.at];
    this.from = null;
    if (from !== null && at !== null && from !== at) this.onZoom(Math.min(from, at), Math.max(from, at));
    this.#read(this.at);
  }

  #leave() {
    this.from = null;
    this.#read(null);
  }

  #step(event) {
    const last = this.bars.length - 1;
    const at = this.at ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: null, Enter: at }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (event.key === "Enter") return this.#release();
    if (event.key === "Escape" && this.at === null) this.onZoom?.(null);
    this.from = event.shiftKey ? (this.from ?? this.#within(at)) : null;
    this.#read(to);
  }

  #within(at) {
    return Math.min(this.bars.length - 1, Math.max(0, at));
  }

  /** Show the readout of one step, or none, and what is selected. */
  #read(at) {
    this.at = at === null || !this.bars?.length ? null : this.#within(at);
    this.svg.querySelector(".cursor")?.remove();
    if (this.at !== null) {
      const from = Math.min(this.from ?? this.at, this.at);
      const width = Math.abs(this.at - (this.from ?? this.at)) + 1;
      this.svg.append(element("rect", { class: "cursor", x: from, y: 0, width, height: HEIGHT }));
    }
    const read = this.at === null ? "" : this.say(this.at);
    text(this.readout, read);
    attribute(this.plot, "aria-valuemax", this.bars?.length || 1);
    attribute(this.plot, "aria-valuenow", (this.at ?? 0) + 1);
    attribute(this.plot, "aria-valuetext", read || "no step selected");
  }
}

/** Return at most so many steps at round times in the zone, with their names: hours, or days where steps are long. */
export function timeMarks(first, step_s, steps, zone, most) {
  const every = MARKS_S.find((interval) => interval >= step_s && (steps * step_s) / interval <= most) ?? MARKS_S.at(-1);
  const ahead = zone.ahead(first);
  const found = [];
  for (let at = 1; at < steps; at += 1) {
    const unix = first + at * step_s;
    const day = Math.floor((unix + ahead) / 86400) * 86400;
    const isRound =
      every < 86400
        ? (unix + ahead) % every < step_s
        : unix + ahead - day < step_s && (day / 86400) % (every / 86400) === 0;
    const middle = step_s < 86400 ? 0 : 0.5; // a day's name is below its bar, a time at the beginning of its step
    if (isRound) found.push([at + middle, every < 86400 ? zone.minute(unix) : zone.day(unix)]);
  }
  return found.filter(([at]) => at < steps * 0.95);
}

const isSeen = (part) => part.kind === "median" || part.kind === "most" || part.to > part.from;

function bar({ kind, from, to }, at, y) {
  const height = Math.max(y(from) - y(to), kind === "median" ? THIN : 0.4);
  return element("rect", { class: kind, x: at + GAP / 2, width: 1 - GAP, y: Math.min(y(to), HEIGHT - height), height });
}

function element(name, attributes) {
  const drawn = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) drawn.setAttribute(attribute, value);
  return drawn;
}

/** Return the next higher number that is easy to read, and whose half is too. */
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((digit) => digit * power).find((round) => round >= value * 0.9999);
}
