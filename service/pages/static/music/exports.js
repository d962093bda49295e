/** What people take with them: the answer and its chords in the forms of other programs. */

import { shownAs } from "./chords.js";

/**
 * Return the command that asks the same of the service, whose address for that is given.
 *
 * The key is never written out: the shell fills it in.
 */
export function curlLine(address, fileName, needsKey) {
  // Inside its quotes, curl takes any character of a name but these two as it is.
  const quoted = fileName.replace(/[\\"]/g, "\\$&");
  const key = needsKey ? ` -H "X-API-Key: $KEY"` : "";
  return `curl${key} -F ${shellWord(`file=@"${quoted}"`)} ${shellWord(address)}`;
}

/** Return chords as a `.lab` file: start, end and name a line, in the spelling of the card. */
export function labFile(timeline, { labels, lab_labels }) {
  return lines(
    timeline.map(({ start_s, end_s, label, bass }) => {
      const name = lab_labels?.[labels.indexOf(label)] ?? label;
      const below = bass ? `/${bass.degree}` : "";
      return `${start_s.toFixed(3)}\t${end_s.toFixed(3)}\t${name}${below}`;
    }),
  );
}

/** Return chords as CSV, as they sound and as they are shown, transposed or for a capo. */
export function csvFile(timeline, semitones) {
  const rows = timeline.map((segment) => {
    const { start_s, end_s, confidence } = segment;
    const names = [shownAs(segment), shownAs(segment, semitones)];
    return [start_s.toFixed(3), end_s.toFixed(3), ...names, confidence].join(",");
  });
  return lines(["start_s,end_s,chord,shown_as,confidence", ...rows]);
}

/** Hand a file to the browser to keep. */
export function save(name, content, mediaType) {
  const address = URL.createObjectURL(new Blob([content], { type: mediaType }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Return a file's name without its ending. */
export const stem = (name) => name.replace(/\.[^.]*$/, "") || name;

const shellWord = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const lines = (rows) => rows.map((row) => `${row}\n`).join("");
