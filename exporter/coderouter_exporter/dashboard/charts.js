// Bar charts of the history's columns, drawn as SVG; the pointer or the arrow keys select a step to read.

import { text } from "./dom.js";
import { count, seconds } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const GAP = 0.16;
const THIN = 1.6;

const KINDS = [
  ["ok", "answered"],
  ["failed", "failed"],
  ["client", "client error"],
];

/** Return the bars and the readout of the requests chart. */
export function requestBars(history) {
  const bars = history.ok.map((_, at) => {
    let below = 0;
    return KINDS.map(([kind]) => {
      const from = below;
      below += history[kind][at];
      return { kind, from, to: below };
    });
  });
  const say = (at) => {
    const shown = KINDS.filter(([kind], place) => place === 0 || history[kind][at]);
    return shown.map(([kind, word]) => `${count(history[kind][at])} ${word}`).join(", ");
  };
  return { bars, say, tick: count, least: 4 };
}

/** Return the bars and the readout of a chart of durations. */
export function durationBars(history, name) {
  const half = history[`${name}_p50_s`];
  const most = history[`${name}_p95_s`];
  const bars = half.map((p50, at) =>
    p50 === null
      ? []
      : [
          { kind: "most", from: p50, to: most[at] },
          { kind: "median", from: p50, to: p50 },
        ],
  );
  const say = (at) => (half[at] === null ? "none" : `p50 ${seconds(half[at])}, p95 ${seconds(most[at])}`);
  return { bars, say, tick: seconds, least: bars.some((parts) => parts.length) ? 0.001 : 1 };
}

export class Chart {
  constructor(figure) {
    this.plot = figure.querySelector(".plot");
    this.readout = figure.querySelector(".readout");
    this.svg = element("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.labels = ["top", "half", "from", "to"].map((name) => {
      const label = document.createElement("span");
      label.className = name;
      return label;
    });
    this.plot.replaceChildren(this.svg, ...this.labels);
    this.at = null;
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    for (const end of ["pointerleave", "blur"]) this.plot.addEventListener(end, () => this.#read(null));
    this.plot.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Draw the bars; `time(at)` formats the beginning of a step. */
  draw({ bars, say, tick, least }, time) {
    this.bars = bars;
    this.say = (at) => `${time(at)}: ${say(at)}`;
    const top = rounded(Math.max(least, ...bars.flat().map((bar) => bar.to)));
    const y = (value) => HEIGHT * (1 - value / top);
    this.svg.setAttribute("viewBox", `0 0 ${bars.length} ${HEIGHT}`);
    const grid = [0, top / 2, top].map((value) =>
      element("line", { class: "grid", x1: 0, x2: bars.length, y1: y(value), y2: y(value) }),
    );
    const drawn = bars.flatMap((parts, at) => parts.filter(isSeen).map((part) => bar(part, at, y)));
    this.svg.replaceChildren(...grid, ...drawn);
    const texts = [tick(top), tick(top / 2), time(0), "now"];
    this.labels.forEach((label, place) => {
      label.textContent = texts[place];
    });
    this.#read(this.at);
  }

  #point(event) {
    const box = this.svg.getBoundingClientRect();
    this.#read(Math.floor(((event.clientX - box.left) / box.width) * this.bars.length));
  }

  #step(event) {
    const last = this.bars.length - 1;
    const at = this.at ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#read(to);
  }

  /** Show the readout of one step, or none. */
  #read(at) {
    this.at = at === null || !this.bars ? null : Math.min(this.bars.length - 1, Math.max(0, at));
    this.svg.querySelector(".cursor")?.remove();
    if (this.at !== null) {
      this.svg.append(element("rect", { class: "cursor", x: this.at, y: 0, width: 1, height: HEIGHT }));
    }
    const read = this.at === null ? "" : this.say(this.at);
    text(this.readout, read);
    this.plot.setAttribute("aria-valuemax", this.bars?.length ?? 1);
    this.plot.setAttribute("aria-valuenow", (this.at ?? 0) + 1);
    this.plot.setAttribute("aria-valuetext", read || "no step selected");
  }
}

const isSeen = (part) => part.kind === "median" || part.kind === "most" || part.to > part.from;

function bar({ kind, from, to }, at, y) {
  const height = Math.max(y(from) - y(to), kind === "median" ? THIN : 0.4);
  return element("rect", { class: kind, x: at + GAP / 2, width: 1 - GAP, y: Math.min(y(to), HEIGHT - height), height });
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** Return the next higher number that is easy to read, and whose half is too. */
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((digit) => digit * power).find((round) => round >= value * 0.9999);
}
