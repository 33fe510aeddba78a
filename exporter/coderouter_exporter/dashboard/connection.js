// The connection to the exporter, what needs attention, and how old the page's data is.

import { attribute, fill, find, made, setState, text } from "./dom.js";
import { span } from "./format.js";
import { ago } from "./zone.js";

const STATES = {
  running: ["good", "Live"],
  gone: ["bad", "Proxy gone"],
  stopped: ["off", "Proxy stopped"],
  unknown: ["off", "No proxy yet"],
};

const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g; // a name must not turn the words after it around

let shown = "";

/** Show that the exporter responds; "live" is said only while a proxy runs. */
export function showLive({ proxy, generated_at: now }, zone, notices) {
  setState(find("#connection"), ...STATES[proxy.state]);
  document.body.classList.remove("stale");
  text(find("#clock time"), zone.second(now, now));
  text(find("#zone"), zone.name);
  const isPast = proxy.state === "gone" || proxy.state === "stopped";
  document.body.classList.toggle("past", isPast);
  text(
    find("#as-of"),
    isPast && proxy.last_event_at
      ? `as of ${zone.second(proxy.last_event_at, now)}, ${ago(proxy.last_event_at, now)}`
      : "",
  );
  showNotices(notices);
}

/** Show that the exporter does not respond: everything on the page is as it was at that time. */
export function showGone(why, dataAt, zone) {
  setState(find("#connection"), "bad", "No connection");
  document.body.classList.add("stale");
  const since = dataAt ? ` What is shown is ${span((Date.now() - Date.parse(dataAt)) / 1000)} old.` : "";
  if (dataAt) text(find("#as-of"), `as of ${zone.second(dataAt, new Date().toISOString())}`);
  const [advice, command] = ["To start it again:", "cr-exporter"];
  showNotices([{ state: "bad", sentence: `No report from the exporter: ${why}.${since}`, advice, command }]);
}

function showNotices(notices) {
  find("header").classList.remove("loading");
  document.title = notices.some(({ state }) => state === "bad") ? "(!) CodeRouter" : "CodeRouter";
  const written = JSON.stringify(notices);
  if (written === shown) return;
  shown = written;
  attribute(find("#alarm"), "tabindex", notices.length ? 0 : null); // many have to be scrolled
  fill(find("#alarm"), notices, notice, (box, { state, sentence, advice, command }) => {
    attribute(box, "data-state", state);
    text(box.querySelector(".sentence"), sentence.replace(DIRECTIONS, ""));
    text(box.querySelector(".advice"), advice);
    text(box.querySelector("code"), command);
  });
}

function notice() {
  const words = made("span", "", made("span", "sentence"), " ", made("span", "advice"), " ", made("code"));
  return made("p", "state notice", made("span", "mark"), words);
}
