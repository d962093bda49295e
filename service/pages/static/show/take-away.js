/** Buttons to keep the answer: JSON, the command that asks for it, and the chords as files. */

import { BASE, fetchJson, question } from "../api.js";
import { button, make } from "../dom.js";
import { hasKey } from "../key.js";
import { anyChord } from "../music/chords.js";
import { csvFile, curlLine, labFile, save, stem } from "../music/exports.js";
import { midiFile } from "../music/midi.js";

const HELD = "Files hold the chords as they sound; the CSV has the names shown here, too.";

/** Make the buttons for a recording; `semitones` tells by how much names are shifted now. */
export function takeAway({ name, answer, beginningS }, semitones) {
  const { chord } = answer.results;
  const chords = anyChord(chord) && chord.timeline;
  const file = (ending) => `${stem(name)}.${ending}`;
  const json = () => save(file("json"), JSON.stringify(answer, null, 2), "application/json");
  const said = make("p", { className: "note", role: "status" });
  const lab = async () => {
    try {
      save(file("lab"), labFile(chords, await fetchJson("models/chord")), "text/plain");
    } catch (problem) {
      said.textContent = `${problem.title}: ${problem.detail}`;
    }
  };
  const csv = () => save(file("csv"), csvFile(chords, semitones()), "text/csv");
  const midi = () => save(file("mid"), midiFile(chords, stem(name)), "audio/midi");
  const command = curlLine(BASE + question(beginningS), name, hasKey());
  return make(
    "section",
    { className: "take-away" },
    make("h3", {}, "Take it with you"),
    make(
      "div",
      { className: "buttons" },
      button("Answer as JSON", json),
      chords && button("Chords as .lab", lab),
      chords && button("Chords as CSV", csv),
      chords && button("Chords as MIDI", midi),
    ),
    chords && make("p", { className: "note" }, HELD),
    make(
      "div",
      { className: "command" },
      make("code", { tabIndex: 0, role: "group", "aria-label": "The same with curl" }, command),
      button("Copy", () => copy(command, said), { "aria-label": "Copy the curl command" }),
    ),
    said,
  );
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    // Browsers keep the clipboard from pages that are neither under https nor on localhost.
    said.textContent = "The browser does not let this page copy; select the text instead.";
  }
}
