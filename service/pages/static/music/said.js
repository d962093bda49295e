/** What an answer says, in few words. */

import { NO_CHORD, readable } from "./chords.js";

/** Tell whether an answer is to be doubted, rather than of a song of which no one chord is all. */
export function doubtful({ uncertain, chords = [] }) {
  return uncertain && chords.length < 2;
}

/** Return the label; of several chords the one of the largest share, however sure each is. */
export function named({ label, chords = [] }) {
  const [longest] = chords.length > 1 ? chords.filter((chord) => chord.label !== NO_CHORD) : [];
  return longest?.label ?? label;
}

/** Return the label, with a question mark where it is in doubt; of what is no music, what it is. */
export function inShort(said) {
  return said.heard_instead ?? readable(named(said)) + (doubtful(said) ? "?" : "");
}
