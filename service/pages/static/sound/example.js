/** A made-up recording for people who have none at hand: a guitar of calculated strings. */

import { wavFile } from "./wav.js";

const RATE_HZ = 44_100;
const BAR_S = 2;
const STRUM_S = 0.03; // from one string to the next
const LOSS = 0.996;
// The strings of each chord as a guitarist grips it, from the lowest, in MIDI notes.
const PROGRESSION = [
  [48, 52, 55, 60, 64], // C
  [43, 47, 50, 55, 59, 67], // G
  [45, 52, 57, 60, 64], // Am
  [41, 48, 53, 57, 60, 65], // F
];
const STRUMS_S = [0, 1, 1.5];

/** Return a WAV file of four chords, played twice. */
export function exampleFile() {
  const bars = [...PROGRESSION, ...PROGRESSION];
  const samples = new Float32Array((bars.length * BAR_S + 1) * RATE_HZ);
  const random = randomNumbers();
  bars.forEach((notes, bar) => {
    const end = (bar + 1) * BAR_S * RATE_HZ;
    for (const strum of STRUMS_S) {
      notes.forEach((note, string) => {
        const start = Math.round((bar * BAR_S + strum + string * STRUM_S) * RATE_HZ);
        pluck(samples, { note, start, end, random });
      });
    }
  });
  return new File([wavFile([samples], RATE_HZ)], "Example guitar.wav", { type: "audio/wav" });
}

/** Add a string: noise that runs round a loop as long as its period, and is smoothed each time. */
function pluck(samples, { note, start, end, random }) {
  const period = Math.round(RATE_HZ / (440 * 2 ** ((note - 69) / 12)));
  const loop = Float32Array.from({ length: period }, () => 0.12 * random());
  for (let i = start, at = 0; i < end; i += 1, at = (at + 1) % period) {
    samples[i] += loop[at] * Math.min(1, (end - i) / 2000); // the hand damps it at the end
    loop[at] = (LOSS * (loop[at] + loop[(at + 1) % period])) / 2;
  }
}

/** The same numbers each time, between -1 and 1, so that the example never changes. */
function randomNumbers() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
