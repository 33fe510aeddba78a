// Asks the exporter for a report again and again, and says so when none comes.

import { setState } from "./dom.js";
import { span } from "./format.js";
import { show, troubles } from "./view.js";

const POLL_MS = 2000;
const PATIENCE_MS = 2500;
const POLL_MS_MAX = 30000;

const connection = document.querySelector("#connection");
const alarm = document.querySelector("#alarm");
const chosen = () => document.querySelector("#hours :checked").value;

let failures = 0;
let answeredAt = Date.now();
let timer;
let asked = 0;

async function poll() {
  clearTimeout(timer);
  const turn = ++asked;
  try {
    const report = await ask();
    if (turn !== asked) return; // a later one is on its way
    failures = 0;
    answeredAt = Date.now();
    show(report);
    say("good", "Live", troubles(report));
  } catch (error) {
    if (turn !== asked) return;
    failures += 1;
    const since = span((Date.now() - answeredAt) / 1000);
    say("bad", "No connection", [`The exporter does not answer (${reason(error)}); what is shown is ${since} old.`]);
  }
  if (!document.hidden) timer = setTimeout(poll, Math.min(POLL_MS * 2 ** failures, POLL_MS_MAX));
}

async function ask() {
  const options = { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  const response = await fetch(`metrics.json?hours=${chosen()}`, options);
  if (!response.ok) throw new Error((await response.text()).trim() || `HTTP ${response.status}`);
  return response.json();
}

function reason(error) {
  if (error.name === "TimeoutError") return `not within ${PATIENCE_MS / 1000} s`;
  return error instanceof TypeError ? "it cannot be reached" : error.message;
}

function say(state, word, sentences) {
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
