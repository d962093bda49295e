/** The chords along the time axis: each a button that plays it in a loop. */

import { chordHue } from "../colours.js";
import { make } from "../dom.js";
import { parseChord, shownAs } from "../music/chords.js";
import { clock } from "../words.js";

const MARGIN_PX = 2; // of a name, on both sides together
const SLIVER_PX = 6; // narrower, a chord is nothing but its edges
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** Make the lane; `onLoop` is called with the index of the chord that was chosen. */
export function chordLane({ timeline, duration, onLoop }) {
  const chords = timeline.map((segment, index) => chordButton(segment, duration, () => onLoop(index)));
  const element = make("div", {
    className: "lane chords",
    role: "group",
    "aria-label": "Chords. The arrow keys move between them; each plays in a loop.",
  }, ...chords);
  let widths = null; // of the names as they are shown now
  // One stop for the tab key, however many chords there are.
  const reach = (index) => chords.forEach((chord, i) => (chord.tabIndex = i === index ? 0 : -1));
  reach(0);
  element.addEventListener("keydown", (event) => {
    const at = chords.indexOf(document.activeElement);
    const to = { Home: 0, End: chords.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? NaN);
    if (!chords[to]) return;
    event.preventDefault();
    reach(to);
    chords[to].focus();
  });
  return {
    element,
    draw: ({ pxPerSecond }) => {
      widths ??= chords.map((chord) => chord.firstElementChild.offsetWidth + MARGIN_PX);
      timeline.forEach(({ start_s, end_s }, i) => {
        const width = (end_s - start_s) * pxPerSecond;
        chords[i].classList.toggle("narrow", width < widths[i]);
        chords[i].classList.toggle("sliver", width < SLIVER_PX);
      });
    },
    /** Show the names so many semitones higher. */
    rename: (semitones) => {
      timeline.forEach((segment, i) => nameChord(chords[i], segment, semitones));
      widths = null;
    },
    /** Mark the chord that sounds and the one in the loop; -1 for none. */
    mark: ({ now, looped }) => {
      chords.forEach((chord, i) => {
        chord.classList.toggle("now", i === now);
        chord.setAttribute("aria-pressed", String(i === looped));
      });
    },
  };
}

function chordButton(segment, duration, onclick) {
  const { label, start_s, end_s } = segment;
  const chord = make("button", { type: "button", className: "chord", onclick });
  chord.style.left = `${(100 * start_s) / duration}%`;
  chord.style.width = `${(100 * (end_s - start_s)) / duration}%`;
  const hue = chordHue(parseChord(label)?.root);
  if (hue !== null) chord.style.setProperty("--hue", hue);
  chord.classList.toggle("none", hue === null);
  nameChord(chord, segment, 0);
  return chord;
}

function nameChord(chord, segment, semitones) {
  const { start_s, end_s } = segment;
  const name = shownAs(segment, semitones);
  chord.replaceChildren(make("span", {}, name));
  chord.dataset.from = clock(start_s);
  const times = `${clock(start_s, { tenths: true })} to ${clock(end_s, { tenths: true })}`;
  chord.title = `${name}, ${times}`;
  chord.setAttribute("aria-label", `${name}, ${times}`);
}
