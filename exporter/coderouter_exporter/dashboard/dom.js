// Writes into the page. Data is only ever set as text, and only where it has changed.

export const find = (selector) => document.querySelector(selector);

export function text(box, content) {
  const written = String(content);
  if (box.textContent !== written) box.textContent = written;
}

/** Set a state (good, warn, bad or off) and the word for it. */
export function setState(box, state, word) {
  if (box.dataset.state !== state) box.dataset.state = state;
  text(box.querySelector(".word"), word);
}

/** Fill one table row per item, reusing the existing rows. */
export function rows(id, items, fill) {
  const table = find(`#${id}`);
  const body = table.tBodies[0];
  table.setAttribute("role", "table"); // on phones its layout is by blocks, which would remove the role
  body.setAttribute("role", "rowgroup");
  while (body.rows.length > items.length) body.lastElementChild.remove();
  items.forEach((item, at) => {
    const row = body.rows[at] ?? body.insertRow();
    row.setAttribute("role", "row");
    fill(row, item);
  });
  table.hidden = !items.length;
  const empty = table.nextElementSibling; // what is shown instead, if anything is
  if (empty) empty.hidden = items.length > 0;
}

/** Return the row's cell at that index; a `th` is the row's header. */
function cell(row, at, kind, tag = "td") {
  let found = row.cells[at];
  if (!found) {
    found = row.appendChild(document.createElement(tag));
    if (tag === "th") found.scope = "row";
    found.setAttribute("role", tag === "th" ? "rowheader" : "cell");
  }
  if (found.className !== kind) found.className = kind;
  return found;
}

export const textCell = (row, at, content, kind) => text(cell(row, at, kind), content);

export function numberCell(row, at, written, isZero, name) {
  const found = cell(row, at, isZero ? "number zero" : "number");
  found.dataset.name = name;
  text(found, written);
}

export function stateCell(row, at, state, word, kind = "") {
  const found = cell(row, at, `state ${kind}`.trim());
  if (!found.firstElementChild) found.append(part("mark"), " ", part("word"));
  setState(found, state, word);
}

export function nameCell(row, at, name, tags) {
  const found = cell(row, at, "name", "th");
  if (!found.firstElementChild) found.append(part("who"), " ", part("tag"));
  text(found.firstElementChild, name || "(no name)");
  text(found.lastElementChild, tags);
}

function part(kind) {
  const made = document.createElement("span");
  made.className = kind;
  return made;
}
