/** Transpose and capo: by how much the names of the chords are shifted. */

import { button, make } from "../dom.js";
import { shift, transpose } from "../music/chords.js";

/** Make the controls; `onChange` gets the semitones by which names move. */
export function keyControls(onChange) {
  const setting = { semitones: 0, capo: 0 };
  const note = make("p", { className: "note", role: "status" });
  const update = () => {
    note.textContent = inWords(setting);
    onChange(shift(setting));
  };
  const transposed = stepper({
    title: "Transpose",
    range: [-11, 11],
    write: (value) => (value > 0 ? `+${value}` : String(value).replace("-", "−")),
    set: (value) => update((setting.semitones = value)),
  });
  const capo = stepper({
    title: "Capo",
    range: [0, 11],
    write: (value) => (value === 0 ? "none" : `fret ${value}`),
    set: (value) => update((setting.capo = value)),
  });
  return make("div", { className: "key-controls" }, transposed, capo, note);
}

/** Return in words what a shift does, with an example. */
export function inWords({ semitones, capo }) {
  if (semitones === 0 && capo === 0) return "";
  const sounds = transpose("C", semitones);
  const shown = transpose("C", shift({ semitones, capo }));
  const moved = semitones === 0 ? "" : ` in another key, so C becomes ${sounds}`;
  const gripped = capo === 0 ? "" : `${moved && ";"} with the capo on fret ${capo}, grip ${shown} to hear ${sounds}`;
  return `Names are shown${moved}${gripped}.`;
}

function stepper({ title, range: [least, most], write, set }) {
  let value = 0;
  const output = make("output", {}, write(value));
  const step = (by) => {
    value = Math.max(least, Math.min(most, value + by));
    output.textContent = write(value);
    set(value);
  };
  return make(
    "div",
    { className: "stepper", role: "group", "aria-label": title },
    make("span", { className: "stepper-title" }, title),
    button("−", () => step(-1), { "aria-label": `${title} down` }),
    output,
    button("+", () => step(1), { "aria-label": `${title} up` }),
  );
}
