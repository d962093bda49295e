/** Names of chords as guitarists write them: what they are made of, and other keys. */

const PITCH_CLASSES = {
  C: 0, "C#": 1, Db: 1, D: 2, "D#": 3, Eb: 3, E: 4, F: 5, "F#": 6, Gb: 6,
  G: 7, "G#": 8, Ab: 8, A: 9, "A#": 10, Bb: 10, B: 11,
};
// As the service spells them: sharps, except where guitarists write a flat.
const NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const INTERVALS = {
  "": [0, 4, 7], m: [0, 3, 7], dim: [0, 3, 6], aug: [0, 4, 8], sus2: [0, 2, 7], sus4: [0, 5, 7],
  7: [0, 4, 7, 10], maj7: [0, 4, 7, 11], m7: [0, 3, 7, 10], dim7: [0, 3, 6, 9],
  m7b5: [0, 3, 6, 10], 6: [0, 4, 7, 9], m6: [0, 3, 7, 9], 5: [0, 7],
};

/** How the service names that no chord sounds. */
export const NO_CHORD = "N";

/** Return `{root, quality}` of a chord's name, or null for none and for what is no chord. */
export function parseChord(name) {
  const parts = /^([A-G][#b]?)(.*)$/.exec(name);
  if (!parts || !(parts[1] in PITCH_CLASSES)) return null;
  return { root: parts[1], quality: parts[2] };
}

/** Return a chord's name some semitones higher; what is no chord stays as it is. */
export function transpose(name, semitones) {
  const chord = parseChord(name);
  if (!chord) return name;
  const pitch = PITCH_CLASSES[chord.root] + semitones;
  return NAMES[((pitch % 12) + 12) % 12] + chord.quality;
}

/** Return how many semitones names move by: up when transposed, down for each fret of the capo. */
export function shift({ semitones, capo }) {
  return semitones - capo;
}

/** Return MIDI notes of a chord around middle C over its bass, or its root; none for no chord. */
export function notesOf({ label, bass: below }) {
  const chord = parseChord(label);
  const intervals = chord && INTERVALS[chord.quality];
  if (!intervals) return [];
  const pitch = PITCH_CLASSES[chord.root];
  // The bass from E2 on, as on a guitar; the other notes from the G below middle C on.
  const bass = 40 + ((PITCH_CLASSES[below?.note ?? chord.root] - 4 + 12) % 12);
  const above = 55 + ((pitch - 7 + 12) % 12);
  return [bass, ...intervals.map((interval) => above + interval)];
}

/** Tell whether an answer about chords holds any to transpose or to take along. */
export function anyChord(result) {
  return result?.timeline?.some(({ label }) => label !== NO_CHORD) ?? false;
}

/** Return what people read: the name, or words where no chord sounds. */
export function readable(name) {
  return name === NO_CHORD ? "no chord" : name;
}

/** Return what people read of a stretch, so many semitones higher: `C`, or `C/E` over another bass. */
export function shownAs({ label, bass }, semitones = 0) {
  const below = bass ? `/${transpose(bass.note, semitones)}` : "";
  return readable(transpose(label, semitones)) + below;
}
