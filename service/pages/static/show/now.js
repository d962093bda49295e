/** What sounds at the cursor, large: the chord, those to come, and what the others say. */

import { make } from "../dom.js";
import { NO_CHORD, shownAs } from "../music/chords.js";
import { segmentAt } from "../music/timeline.js";
import { percent, taskWords } from "../words.js";

const AHEAD = 3; // chords to come

/** Make the strip for the answers of a recording. */
export function nowStrip(results) {
  const { chord, ...others } = results;
  const large = make("span", { className: "now-chord" });
  const ahead = make("ol", { className: "now-ahead", "aria-label": "Chords to come" });
  const rest = Object.values(others).filter(({ timeline, heard_instead: instead }) => timeline?.length && !instead);
  const readouts = rest.map(() => make("dd", {}));
  const list = rest.map(({ task }, i) => make("div", {}, make("dt", {}, taskWords(task).title), readouts[i]));
  const element = make("div", { className: "now-strip" },
    chord && make("div", { className: "now-chords" }, large, ahead),
    make("dl", { className: "now-others" }, ...list),
  );
  let shown = "";

  /** Show what is at a time, with names so many semitones higher. */
  function at(seconds, semitones) {
    const index = chord ? segmentAt(chord.timeline, seconds) : -1;
    const state = [index, semitones, ...rest.map(({ timeline }) => segmentAt(timeline, seconds))];
    if (state.join() === shown) return; // nothing to write sixty times a second
    shown = state.join();
    if (chord) showChords(index, semitones);
    rest.forEach(({ timeline }, i) => {
      const segment = timeline[state[i + 2]];
      readouts[i].textContent = segment ? `${segment.label} ${percent(segment.confidence)}` : "–";
    });
  }

  function showChords(index, semitones) {
    const { timeline } = chord;
    const name = (segment) => shownAs(segment, semitones);
    large.textContent = timeline[index] ? name(timeline[index]) : "–";
    large.classList.toggle("none", timeline[index]?.label === NO_CHORD);
    large.classList.toggle("long", large.textContent.length > 6);
    const next = index < 0 ? [] : timeline.slice(index + 1, index + 1 + AHEAD);
    ahead.replaceChildren(...next.map((segment) => make("li", {}, name(segment))));
  }

  return { element, at };
}
