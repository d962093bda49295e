/** Colours that mean something: the same label has the same one wherever it is painted. */

// Hue and saturation; with the genres in the alphabet's order, neighbours in sound differ in colour.
const LABELS = [
  [212, 60], [44, 62], [88, 42], [310, 50], [268, 55],
  [186, 52], [230, 10], [342, 65], [146, 42], [16, 66],
];
const CHORD_ROOTS = ["C", "G", "D", "A", "E", "B", "F#", "C#", "Ab", "Eb", "Bb", "F"];

/** Return whether the page is dark now. */
const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** Return the value of a custom property of the style sheet, for what is painted on a canvas. */
export function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Return the colour of the label at an index among all labels of its task. */
export function labelColour(index) {
  const [hue, saturation] = LABELS[index % LABELS.length];
  const turn = 7 * Math.floor(index / LABELS.length);
  return `hsl(${hue + turn} ${saturation}% ${isDark() ? 52 : 62}%)`;
}

/** Return the hue of a chord: neighbours on the circle of fifths have neighbouring hues. */
export function chordHue(root) {
  const sameSound = { "G#": "Ab", "D#": "Eb", "A#": "Bb", Db: "C#", Gb: "F#" };
  const step = CHORD_ROOTS.indexOf(sameSound[root] ?? root);
  return step < 0 ? null : (step * 30 + 20) % 360;
}
