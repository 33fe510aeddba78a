// Polls the exporter for what the current view shows, and says so when there is no answer.

import { get, Refused, reason } from "./api.js";
import { showGone, showLive } from "./connection.js";
import { attribute, find, text } from "./dom.js";
import { listen } from "./keys.js";
import { notices } from "./notices.js";
import * as overview from "./overview.js";
import * as request from "./request.js";
import * as requests from "./requests.js";
import { FIRST, linkTo, parsed, VIEWS } from "./route.js";
import * as sessions from "./sessions.js";
import * as spend from "./spend.js";
import { showUnknown } from "./status.js";
import { Zone } from "./zone.js";

const POLL_MS = 2000;
const POLL_MS_MAX = 30000;
const UNCONFIGURED = { default_profile: null, providers: [], profiles: [] };

const views = { overview, requests, sessions, spend };

let route = parsed(location.hash, FIRST);
let zone = new Zone(null);
let status = null;
let loaded = { key: "", at: 0 };
let failures = 0;
let timer;
let polls = 0;

async function poll() {
  clearTimeout(timer);
  const number = ++polls;
  const answers = await load().catch((error) => error);
  if (number !== polls) return; // a newer one is under way
  failures = answers instanceof Error ? failures + 1 : 0;
  if (!document.hidden) timer = setTimeout(poll, Math.min(POLL_MS * 2 ** failures, POLL_MS_MAX));
  if (failures) showLost(answers);
  else show(...answers);
}

/** Return the status, the providers, what the view shows and the request that is open. */
function load() {
  const { hours, request: id } = route;
  const opened = id && refusable(request.load(id));
  return Promise.all([get("status"), get("providers", { hours }), loadView(), opened]);
}

function showLost(error) {
  showGone(reason(error), status?.generated_at, zone);
  if (status) showUnknown(status, zone.second(status.generated_at, new Date().toISOString()));
}

/** Load the view's data, unless it is recent enough. */
async function loadView() {
  const key = linkTo(route.view, route.hours, route.parameters);
  if (loaded.key === key && Date.now() - loaded.at < views[route.view].everyMs) return null;
  const data = await refusable(views[route.view].load(route));
  return { key, data };
}

/** Return what the exporter refused as a value: the connection is fine. */
const refusable = (loading) =>
  loading.catch((error) => {
    if (error instanceof Refused && error.status < 500) return error;
    throw error;
  });

function show(report, providers, answer, opened) {
  if (status?.zone !== report.zone || !status) zone = new Zone(report.zone);
  status = { ...report, config: report.config ?? UNCONFIGURED };
  const context = { status, zone, route, providers };
  text(find("#version"), status.version ?? "");
  showLive(status, zone, notices(status, providers.providers));
  if (answer) showView(answer, context);
  if (opened instanceof Refused) request.showMissing(opened);
  else if (opened) request.show(opened, context);
  for (const part of ["#main", "footer"]) find(part).classList.remove("loading");
}

function showView({ key, data }, context) {
  loaded = { key, at: Date.now() };
  find("#refused").hidden = !(data instanceof Refused);
  if (data instanceof Refused) text(find("#refused"), data.message);
  else views[route.view].show(data, context);
}

/** Show the view that the address names, before its data arrives. */
function follow() {
  const previous = route;
  route = parsed(location.hash, previous);
  const opens = polls > 0 && route.request && !previous.request;
  if (!history.state) history.replaceState({ opens: Boolean(opens) }, ""); // an entry that is new
  for (const view of VIEWS) {
    find(`#${view}`).hidden = view !== route.view;
    attribute(find(`nav [data-view=${view}]`), "aria-current", view === route.view ? "page" : null);
    attribute(find(`nav [data-view=${view}]`), "href", linkTo(view, route.hours));
  }
  find(`#hours [value="${route.hours}"]`).checked = true;
  find("#hours").classList.toggle("unused", route.view === "spend"); // which has its own range
  if (route.request) request.open(route.request, backLink());
  else request.close();
  poll();
}

const backLink = () => linkTo(route.view, route.hours, route.parameters);

/** Go back to where the request was opened; a request that was the first page has its view put in its place. */
function closeRequest() {
  if (!route.request) return;
  if (!history.state?.opens) return replace(backLink());
  route = { ...route, request: null }; // going back takes a moment
  request.close();
  history.back();
}

/** Show it in the place of what is shown, as the same entry of the browser's history. */
function replace(link) {
  history.replaceState(history.state, "", link);
  follow();
}

find("#request-close").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  closeRequest();
});

find("#hours").addEventListener("change", ({ target }) => {
  const parameters = new URLSearchParams(route.parameters);
  for (const name of ["since", "until"]) parameters.delete(name);
  location.replace(linkTo(route.view, Number(target.value), parameters));
});
find(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  find("#main").focus();
});
addEventListener("hashchange", follow);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : poll()));
listen(() => route, closeRequest, replace);
follow();
