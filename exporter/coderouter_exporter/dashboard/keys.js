// The keyboard: `/` searches, j and k move through the rows, Enter opens, Esc closes, 1 to 4 change the view.

import { find } from "./dom.js";
import { linkTo, VIEWS } from "./route.js";

const help = find("#keys");

/** Listen to the keyboard; `current` returns the route, `close` leaves the request, `replace` shows another one. */
export function listen(current, close, replace) {
  const keys = {
    "/": () => toSearch(current()),
    j: () => move(1, current(), replace),
    k: () => move(-1, current(), replace),
    "?": () => (help.open ? help.close() : help.showModal()),
    Escape: () => leave(close),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const isTyping = event.target.matches("input:not([type=radio]), select, textarea");
    if (isTyping && event.key !== "Escape") return;
    const run = keys[event.key] ?? (event.key in VIEWS_BY_KEY && (() => toView(event.key, current())));
    if (!run || event.defaultPrevented) return;
    if (event.key !== "Escape") event.preventDefault();
    run();
  });
  find("#help").addEventListener("click", () => help.showModal());
  find("#keys-close").addEventListener("click", () => help.close());
}

const VIEWS_BY_KEY = Object.fromEntries(VIEWS.map((view, at) => [at + 1, view]));

const toView = (key, { hours }) => {
  location.hash = linkTo(VIEWS_BY_KEY[key], hours);
};

function toSearch({ view, hours }) {
  if (view !== "requests") location.hash = linkTo("requests", hours);
  setTimeout(() => find("#filters [type=search]").focus());
}

/** Move the focus to the next row's link; an open request follows it. */
function move(by, { view, request }, replace) {
  const rows = [...document.querySelectorAll(`#${view} .rows tbody tr:not(.detail)`)];
  const shown = rows.findIndex((row) => row.contains(document.activeElement));
  const opened = rows.findIndex((row) => request && row.querySelector("td.request")?.textContent === request);
  const from = shown < 0 ? opened : shown;
  const row = rows[from < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by))];
  const link = row?.querySelector("a");
  link?.focus();
  row?.scrollIntoView({ block: "nearest" });
  if (request && link) replace(link.getAttribute("href"));
}

function leave(close) {
  const { activeElement: active } = document;
  if (active.matches("input:not([type=radio]), select")) active.blur();
  else close();
}
