/** Write a chord timeline as a Standard MIDI File, format 0. */

import { notesOf, shownAs } from "./chords.js";

const TICKS_PER_QUARTER = 480;
const QUARTER_US = 500_000; // 120 beats a minute: the real tempo is not known
const TICKS_PER_SECOND = (TICKS_PER_QUARTER * 1e6) / QUARTER_US;
const GUITAR = 25; // steel strings, counted from 0
const VELOCITY = 80;
const [TEMPO, NAME, MARKER, END] = [0x51, 0x03, 0x06, 0x2f];

/** Return the bytes of a file that plays each chord for as long as it sounds. */
export function midiFile(timeline, title) {
  const events = [
    { tick: 0, bytes: meta(TEMPO, bigEndian(QUARTER_US, 3)) },
    { tick: 0, bytes: meta(NAME, utf8(title)) },
    { tick: 0, bytes: [0xc0, GUITAR] },
  ];
  for (const segment of timeline) {
    const [start, end] = [ticks(segment.start_s), ticks(segment.end_s)];
    events.push({ tick: start, bytes: meta(MARKER, utf8(shownAs(segment))) });
    for (const note of notesOf(segment)) {
      events.push({ tick: start, bytes: [0x90, note, VELOCITY] });
      // A moment before the next chord begins, which may strike the same note.
      events.push({ tick: Math.max(start + 1, end - 1), bytes: [0x80, note, 0] });
    }
  }
  const track = [...withDeltas(events), 0, ...meta(END, [])];
  const header = [...bigEndian(0, 2), ...bigEndian(1, 2), ...bigEndian(TICKS_PER_QUARTER, 2)];
  return new Uint8Array([...chunk("MThd", header), ...chunk("MTrk", track)]);
}

const ticks = (seconds) => Math.round(seconds * TICKS_PER_SECOND);

function withDeltas(events) {
  let before = 0;
  return [...events]
    .sort((a, b) => a.tick - b.tick)
    .flatMap(({ tick, bytes }) => {
      const delta = variableLength(tick - before);
      before = tick;
      return [...delta, ...bytes];
    });
}

/** Seven bits a byte, the highest first; all but the last have the eighth bit set. */
function variableLength(value) {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

const meta = (kind, data) => [0xff, kind, ...variableLength(data.length), ...data];
const utf8 = (text) => [...new TextEncoder().encode(text)];
const chunk = (name, data) => [...utf8(name), ...bigEndian(data.length, 4), ...data];

function bigEndian(value, length) {
  return Array.from({ length }, (_, i) => (value >>> (8 * (length - 1 - i))) & 0xff);
}
