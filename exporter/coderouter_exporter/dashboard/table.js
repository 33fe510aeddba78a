// Tables that keep their rows: each has a key, so that an update neither moves what is read nor takes the focus.

import { attribute, made, setState, text } from "./dom.js";

/** A column of text. `read` returns the text of a row; `more` is any of: title, sort, tag (of the cell), kind. */
export const words = (label, kind, read, more = {}) => ({
  label,
  kind,
  ...more,
  write: (cell, row) => text(cell, read(row)),
});

export const numbers = (label, read, more = {}) => ({
  label,
  ...more,
  kind: `number ${more.kind ?? ""}`.trim(),
  write(cell, row) {
    const written = read(row);
    cell.classList.toggle("zero", /^(0|–|\$0\.00|0 %)$/.test(written));
    text(cell, written);
  },
});

/** A column of states. `read` returns state and word. */
export const states = (label, kind, read, more = {}) => ({
  label,
  kind: `state ${kind}`.trim(),
  ...more,
  write: (cell, row) => setState(cell, ...read(row)),
});

/** A column of links. `read` returns the address and the text; without an address it is text. */
export const links = (label, kind, read, more = {}) => ({
  label,
  kind,
  ...more,
  write(cell, row) {
    const [href, word, title] = read(row);
    if (!href) return text(cell, word);
    if (cell.firstElementChild?.tagName !== "A") cell.replaceChildren(made("a"));
    attribute(cell.firstElementChild, "href", href);
    attribute(cell.firstElementChild, "title", title ?? null);
    text(cell.firstElementChild, word);
  },
});

/** A column of names, each with small words behind it; the name is the header of its row. */
export const names = (label, read, more = {}) => ({
  label,
  kind: "name",
  tag: "th",
  ...more,
  write(cell, row) {
    const [name, tags] = read(row);
    if (!cell.firstElementChild) cell.append(made("span", "who"), " ", made("span", "tag"));
    text(cell.firstElementChild, name || "(no name)");
    text(cell.lastElementChild, tags);
  },
});

export class Table {
  /** `key` returns what identifies a row; `detail` writes a line below it and returns whether there is one. */
  constructor(table, columns, { key = (_, at) => at, detail = null, onSort = null } = {}) {
    Object.assign(this, { table, columns, key, detail });
    this.rows = new Map();
    table.setAttribute("role", "table"); // on phones its layout is by blocks, which would remove the roles
    const head = table.createTHead();
    head.setAttribute("role", "rowgroup");
    const line = head.insertRow();
    line.setAttribute("role", "row");
    line.append(...columns.map((column) => header(column, onSort)));
    this.body = table.createTBody();
    this.body.setAttribute("role", "rowgroup");
  }

  /** Show these rows in this order. */
  show(items) {
    const left = new Set(this.rows.keys());
    let place = this.body.firstElementChild;
    items.forEach((item, at) => {
      const key = this.key(item, at);
      left.delete(key);
      for (const line of this.#lines(key, item)) {
        if (line === place) place = place.nextElementSibling;
        else this.body.insertBefore(line, place);
      }
    });
    for (const key of left) {
      for (const line of this.rows.get(key)) line.remove();
      this.rows.delete(key);
    }
    this.table.hidden = !items.length;
    const empty = this.table.nextElementSibling; // what is shown instead
    if (empty?.classList.contains("empty")) empty.hidden = items.length > 0;
  }

  /** Mark the column by which the rows are sorted, such as `-time`. */
  sorted(by) {
    for (const [at, { sort }] of this.columns.entries()) {
      const order = !sort || by.replace("-", "") !== sort ? null : by.startsWith("-") ? "descending" : "ascending";
      attribute(this.table.tHead.rows[0].cells[at], "aria-sort", order);
    }
  }

  #lines(key, item) {
    const lines = this.rows.get(key) ?? [row(this.columns)];
    this.rows.set(key, lines);
    this.columns.forEach((column, at) => {
      column.write(lines[0].cells[at], item);
    });
    if (this.detail) this.#detail(lines, item);
    return lines;
  }

  #detail(lines, item) {
    const line = lines[1] ?? detailRow(this.columns.length);
    if (this.detail(line.firstElementChild, item)) lines[1] = line;
    else if (lines.length > 1) lines.pop().remove();
  }
}

function header({ label, kind = "", title, sort }, onSort) {
  const cell = made("th", kind);
  cell.scope = "col";
  cell.setAttribute("role", "columnheader");
  if (title) cell.title = title;
  if (!sort) {
    cell.append(label);
    return cell;
  }
  const button = made("button", "sort", label);
  button.type = "button";
  button.addEventListener("click", () => onSort(cell.ariaSort === "descending" ? sort : `-${sort}`));
  cell.append(button);
  return cell;
}

function row(columns) {
  const line = made("tr");
  line.setAttribute("role", "row");
  for (const { label, kind = "", tag = "td" } of columns) {
    const cell = line.appendChild(made(tag, kind));
    cell.setAttribute("role", tag === "th" ? "rowheader" : "cell");
    if (tag === "th") cell.scope = "row";
    cell.dataset.name = label.toLowerCase();
  }
  return line;
}

function detailRow(columns) {
  const line = made("tr", "detail");
  line.setAttribute("role", "row");
  const cell = line.appendChild(made("td"));
  cell.colSpan = columns;
  cell.setAttribute("role", "cell");
  return line;
}
