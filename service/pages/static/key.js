/** The API key, if the service asks for one: remembered for this tab only, never in an address. */

import { make } from "./dom.js";

const STORED = "api-key";
const NEEDED = "This service answers only those who have a key. Whoever runs it gives you one.";
const REFUSED = "That key is not valid, or not any more. Check it, or ask whoever runs the service.";
let asking = null;

/** Return the headers that carry the key; none when there is no key. */
export function keyHeaders() {
  const key = sessionStorage.getItem(STORED);
  return key ? { "X-API-Key": key } : {};
}

/** Return the subprotocols that carry the key where a WebSocket is opened, which has no headers. */
export function keyOffers() {
  const key = sessionStorage.getItem(STORED);
  if (!key) return [];
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  const written = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["music-classification", `key64.${written}`];
}

/** Tell whether a key was given in this tab. */
export function hasKey() {
  return sessionStorage.getItem(STORED) !== null;
}

/**
 * Ask for a key, or for another where the first does not fit; tell whether one was given.
 *
 * Several that ask at the same time share one dialogue and its key.
 */
export function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialogue = keyDialogue(hasKey() ? REFUSED : NEEDED);
    document.body.append(dialogue);
    dialogue.querySelector("form").onsubmit = (event) => {
      sessionStorage.setItem(STORED, event.target.elements.key.value.trim());
      resolve(true);
    };
    dialogue.onclose = () => {
      dialogue.remove();
      asking = null;
      resolve(false); // does nothing once a key was given
    };
    dialogue.showModal();
  });
  return asking;
}

function keyDialogue(why) {
  const field = make("input", {
    id: "key",
    name: "key",
    type: "password",
    required: true,
    autocomplete: "off",
    spellcheck: false,
    "aria-describedby": "key-why",
  });
  const later = make("button", { type: "button", className: "quiet" }, "Not now");
  later.onclick = () => later.closest("dialog").close();
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", { id: "key-title" }, "API key"),
    make("p", { id: "key-why" }, why),
    make("label", { htmlFor: "key" }, "Key"),
    field,
    make("p", { className: "note" }, "It is remembered until you close this tab."),
    make("div", { className: "buttons" }, make("button", { className: "primary" }, "Use this key"), later),
  );
  return make("dialog", { className: "key-dialogue", "aria-labelledby": "key-title" }, form);
}
