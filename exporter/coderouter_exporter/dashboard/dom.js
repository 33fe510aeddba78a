// Writes into the page. Data is only ever set as text, and only where it has changed.

export const find = (selector) => document.querySelector(selector);

export function text(box, content) {
  const written = String(content);
  if (box.textContent !== written) box.textContent = written;
}

export function attribute(box, name, value) {
  if (value === null) box.removeAttribute(name);
  else if (box.getAttribute(name) !== String(value)) box.setAttribute(name, value);
}

/** Return a new element with a class and text or elements in it. */
export function made(tag, kind = "", ...content) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...content);
  return element;
}

/** Set a state (good, warn, bad or off) and the word for it. */
export function setState(box, state, word) {
  if (box.dataset.state !== state) box.dataset.state = state;
  if (!box.querySelector(".word")) box.append(made("span", "mark"), " ", made("span", "word"));
  text(box.querySelector(".word"), word);
}

/** Show as many elements as there are items, reusing those in the box. */
export function fill(box, items, make, show) {
  while (box.children.length > items.length) box.lastElementChild.remove();
  items.forEach((item, at) => {
    show(box.children[at] ?? box.appendChild(make()), item);
  });
}
