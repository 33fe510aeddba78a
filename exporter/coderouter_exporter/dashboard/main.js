// Polls the exporter for its report, and raises an alarm when there is none.

import { setState } from "./dom.js";
import { span } from "./format.js";
import { show, troubles } from "./view.js";

const POLL_MS = 2000;
const TIMEOUT_MS = 2500;
const POLL_MS_MAX = 30000;

const connection = document.querySelector("#connection");
const alarm = document.querySelector("#alarm");
const chosen = () => document.querySelector("#hours :checked").value;

let failures = 0;
let answeredAt = Date.now();
let timer;
let polls = 0;

async function poll() {
  clearTimeout(timer);
  const number = ++polls;
  try {
    const report = await fetchReport();
    if (number !== polls) return; // a newer request is under way
    failures = 0;
    answeredAt = Date.now();
    show(report);
    showConnection("good", "Live", troubles(report));
  } catch (error) {
    if (number !== polls) return;
    failures += 1;
    const since = span((Date.now() - answeredAt) / 1000);
    showConnection("bad", "No connection", [
      `No report from the exporter: ${reason(error)}. The data shown is ${since} old.`,
    ]);
  }
  if (!document.hidden) timer = setTimeout(poll, Math.min(POLL_MS * 2 ** failures, POLL_MS_MAX));
}

async function fetchReport() {
  const options = { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
  const response = await fetch(`metrics.json?hours=${chosen()}`, options);
  if (!response.ok) throw new Error((await response.text()).trim() || `HTTP ${response.status}`);
  return response.json();
}

function reason(error) {
  if (error.name === "TimeoutError") return `no response within ${TIMEOUT_MS / 1000} s`;
  return error instanceof TypeError ? "cannot connect" : error.message;
}

function showConnection(state, word, sentences) {
  document.querySelector("header").classList.remove("loading");
  setState(connection, state, word);
  document.title = sentences.length ? "(!) CodeRouter" : "CodeRouter";
  if (alarm.textContent === sentences.join("")) return;
  alarm.replaceChildren(
    ...sentences.map((sentence) => {
      const line = document.createElement("p");
      line.textContent = sentence;
      return line;
    }),
  );
}

document.querySelector("#hours").addEventListener("change", poll);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : poll()));
poll();
