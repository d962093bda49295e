/** What is heard at this moment, large, and what is to say so far. */

import { make } from "../dom.js";
import { NO_CHORD, readable } from "../music/chords.js";
import { inShort } from "../music/said.js";
import { percent, taskWords } from "../words.js";

const PASSED = 6; // chords that stay in view
const SHORTEST_S = 0.25; // of a chord; where one follows another, their mixture is named for less

/** Make the readout of a stream; `show` takes each answer of the service. */
export function readout() {
  const large = make("span", { className: "now-chord" }, "–");
  const passed = make("ol", { className: "now-ahead", "aria-label": "Chords that passed" });
  const others = make("dl", { className: "now-others" });
  const soFar = make("dl", { className: "live-so-far" });
  const element = make("div", { className: "live-readout" },
    make("div", { className: "now-strip" },
      make("div", { className: "now-chords" }, make("span", { className: "unseen" }, "Now: "), large, passed),
      others,
    ),
    make("h3", {}, "So far"),
    soFar,
  );
  let sounding = null;
  let soundingFromS = 0;

  function show({ heard_s, now: { chord, ...rest }, so_far }) {
    if (chord) showChord(chord, heard_s);
    others.replaceChildren(...Object.entries(rest).map(([task, said]) => row(task, withShare(said))));
    soFar.replaceChildren(...Object.entries(so_far).map(([task, said]) => row(task, overall(said))));
  }

  function showChord({ label, uncertain, heard_instead: instead }, heardS) {
    large.textContent = instead ?? readable(label);
    large.classList.toggle("none", label === NO_CHORD || Boolean(instead));
    large.classList.toggle("doubtful", uncertain && !instead);
    if (label === sounding) return;
    if (sounding && sounding !== NO_CHORD && heardS - soundingFromS >= SHORTEST_S) pass(sounding);
    [sounding, soundingFromS] = [label, heardS];
  }

  function pass(label) {
    if (passed.firstElementChild?.textContent !== label) passed.prepend(make("li", {}, label));
    if (passed.childElementCount > PASSED) passed.lastElementChild.remove();
  }

  return { element, show };
}

/** Return in one sentence what an answer says, for those who do not see it. */
export function summary({ now, so_far }) {
  const told = Object.entries(so_far).map(([task, said]) => `${taskWords(task).title} ${inShort(said)}`);
  const chord = now.chord ? `Now ${now.chord.heard_instead ?? readable(now.chord.label)}. ` : "";
  return `${chord}So far: ${told.join(", ")}.`;
}

function row(task, text) {
  return make("div", {}, make("dt", {}, taskWords(task).title), make("dd", {}, text));
}

/** Of a song, the chords that sound most; of what has one label, how sure that is. */
function overall(said) {
  if ((said.chords?.length ?? 0) < 2) return withShare(said);
  return said.chords.slice(0, 4).map(({ label, share }) => `${readable(label)} ${percent(share)}`).join(", ");
}

/** Of what is no music, nobody asks how sure the guess is. */
function withShare(said) {
  return said.heard_instead ?? `${inShort(said)} ${percent(said.confidence)}`;
}
