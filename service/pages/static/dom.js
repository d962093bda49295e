/** Make and fill elements of a page, without ever reading text as HTML. */

/**
 * Make an element. Properties are set as such (`className`, `onclick`, `hidden`); those with a
 * hyphen, and `role`, as attributes. Children are elements or text; null and false are left out.
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false));
  return made;
}

/** Find the element with an id; a page without it is a fault of ours. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found;
}

/** Make a button with a text or an icon's element. */
export function button(content, onclick, properties = {}) {
  return make("button", { type: "button", onclick, ...properties }, content);
}

// Read once: a `use` of the file would ask for it again, and stay empty while the service is away.
const symbols = fetch(new URL("icons.svg", import.meta.url))
  .then((answer) => answer.text())
  .then((text) => new DOMParser().parseFromString(text, "image/svg+xml"))
  .catch(() => null);

/** Make a drawing from `icons.svg` beside this module; the words beside it tell what it means. */
export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  symbols.then((all) => {
    const symbol = all?.getElementById(name);
    if (!symbol) return;
    drawing.setAttribute("viewBox", symbol.getAttribute("viewBox"));
    drawing.append(...symbol.cloneNode(true).childNodes);
  });
  return drawing;
}
