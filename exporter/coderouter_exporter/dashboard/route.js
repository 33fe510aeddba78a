// What the address shows: `#requests?outcome=ok&range=24` is a view with its filters, `#req_…` a request.

export const VIEWS = ["overview", "requests", "sessions", "spend"];
export const RANGES = {
  1: "last hour",
  6: "last 6 hours",
  24: "last 24 hours",
  168: "last 7 days",
  720: "last 30 days",
};

const REQUEST = "request/"; // before ids that do not begin as ours do

/** Return the view, its parameters, and the id of the request that is shown beside it. */
export function parsed(hash, previous) {
  const [path, query = ""] = split(hash.replace(/^#/, ""), "?");
  if (path.startsWith("req_")) return { ...previous, request: decoded(path) };
  if (path.startsWith(REQUEST)) return { ...previous, request: decoded(path.slice(REQUEST.length)) };
  const parameters = new URLSearchParams(query);
  const hours = parameters.get("range");
  parameters.delete("range");
  return {
    view: VIEWS.includes(path) ? path : VIEWS[0],
    hours: hours in RANGES ? Number(hours) : 1,
    parameters,
    request: null,
  };
}

export const FIRST = { view: "requests", hours: 1, parameters: new URLSearchParams(), request: null };

export function linkTo(view, hours, parameters = {}) {
  const query = new URLSearchParams(
    parameters instanceof URLSearchParams ? [...parameters] : Object.entries(parameters),
  );
  if (hours !== 1) query.set("range", hours);
  const text = query.toString();
  return `#${view}${text && "?"}${text}`;
}

export const linkToRequest = (id) => `#${id.startsWith("req_") ? "" : REQUEST}${encodeURIComponent(id)}`;

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
