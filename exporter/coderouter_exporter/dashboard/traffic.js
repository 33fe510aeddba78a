// The charts of the last hours, each with its summary.

import { Chart, durationBars, requestBars } from "./charts.js";
import { find, text } from "./dom.js";
import { count, seconds, some } from "./format.js";

const RANGES = { 1: "last hour", 6: "last 6 hours", 24: "last 24 hours" };
const STEPS = { 60: "minute", 300: "5 minutes", 900: "15 minutes" };
const DURATIONS = ["duration", "first_token"];

const charts = Object.fromEntries(["requests", ...DURATIONS].map((id) => [id, new Chart(find(`#${id}`))]));

export function showTraffic(history, zone) {
  for (const range of document.querySelectorAll(".range")) text(range, RANGES[history.hours]);
  text(find(".step"), STEPS[history.step_s]);
  const time = (at) => zone.minute(history.first_ts + at * history.step_s);
  const failed = history.failed.reduce((all, number) => all + number, 0);
  charts.requests.draw(requestBars(history), time);
  sum("requests", some(history.total.requests, "request"), failed ? `${count(failed)} failed` : "none failed");
  for (const name of DURATIONS) {
    const [p50, p95] = [50, 95].map((percent) => seconds(history.total[`${name}_p${percent}_s`]));
    charts[name].draw(durationBars(history, name), time);
    sum(name, `p50 ${p50}`, `p95 ${p95}`);
  }
}

/** Show the summary of a chart, which is also its label for screen readers. */
function sum(id, main, more) {
  const line = find(`#${id} .sum`);
  if (!line.firstChild) line.append(document.createElement("span"), " ", document.createElement("small"));
  text(line.firstChild, main);
  text(line.lastChild, more);
  const label = `${find(`#${id} figcaption`).textContent}: ${main}, ${more}`;
  const plot = find(`#${id} .plot`);
  if (plot.getAttribute("aria-label") !== label) plot.setAttribute("aria-label", label);
}
