// The tries of a request on a line of time: each as a bar, with what came of it.

import { fill, made, setState, text } from "./dom.js";
import { lookup, seconds } from "./format.js";
import { whySkipped } from "./outcomes.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const BRIEF_S = 0.001;
const RESULTS = lookup({
  ok: ["good", "OK"],
  failed: ["bad", "failed"],
  midstream: ["bad", "broke off"],
  skipped: ["off", "skipped"],
  waited: ["off", "in the queue"],
});

/** Draw the tries into the list; `elapsed_s` is the age of a request that is still in progress. */
export function showWaterfall(list, request, elapsed_s) {
  const lines = linesOf(request, elapsed_s);
  const end = Math.max(elapsed_s ?? request.duration_s ?? 0, ...lines.map(({ to }) => to), 0.001);
  list.hidden = !lines.length;
  fill(list, lines, line, (box, { name, result, from, to, answered, error }) => {
    const [who, state, track, duration, words] = box.children;
    text(who, name);
    setState(state, ...(RESULTS[result] ?? ["off", result ?? "in progress"]));
    const parts = [bar(result ?? "open", from / end, to / end)];
    if (answered > to + BRIEF_S) parts.push(bar("answer", to / end, answered / end));
    if (answered && request.ttft_s && request.ttft_s < end)
      parts.push(bar("first", request.ttft_s / end, request.ttft_s / end));
    track.replaceChildren(...parts);
    text(
      duration,
      result === "skipped"
        ? ""
        : `${seconds(to - from)}${answered > to + BRIEF_S ? `, then ${seconds(answered - to)} of answer` : ""}`,
    );
    text(words, error ?? "");
  });
}

function linesOf(request, elapsed_s) {
  const end = elapsed_s ?? request.duration_s ?? 0;
  const tries = (request.tries ?? []).map((attempt, at, all) => {
    const from = attempt.at_s ?? 0;
    const to =
      attempt.duration_s === null || attempt.duration_s === undefined ? Math.max(from, end) : from + attempt.duration_s;
    const isAnswer = at === all.length - 1 && ["ok", "midstream"].includes(attempt.result);
    return {
      name: attempt.provider,
      result: attempt.result,
      from,
      to,
      answered: isAnswer ? end : 0,
      error: attempt.error ?? whySkipped(attempt),
    };
  });
  const queue = request.waited_s
    ? [{ name: "Queue", result: "waited", from: 0, to: request.waited_s, answered: 0 }]
    : [];
  return [...queue, ...tries];
}

function line() {
  const track = document.createElementNS(SVG, "svg");
  for (const [name, value] of [
    ["viewBox", `0 0 ${WIDTH} 10`],
    ["preserveAspectRatio", "none"],
    ["aria-hidden", "true"],
  ]) {
    track.setAttribute(name, value);
  }
  return made("li", "", made("span", "who"), made("span", "state"), track, made("span", "took"), made("span", "error"));
}

function bar(kind, from, to) {
  const drawn = document.createElementNS(SVG, "rect");
  const width = Math.max(4, (to - from) * WIDTH);
  const at = {
    class: kind,
    x: Math.min(from * WIDTH, WIDTH - width),
    y: kind === "answer" ? 3 : 0,
    width,
    height: kind === "answer" ? 4 : 10,
  };
  for (const [name, value] of Object.entries(at)) drawn.setAttribute(name, value);
  return drawn;
}
