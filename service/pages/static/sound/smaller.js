/** A smaller copy of a recording that is too large to be sent, in which a service hears as much. */

import { decode, mono } from "./decode.js";
import { SAMPLE_BYTES } from "./pcm.js";
import { wavFile } from "./wav.js";

// Of what a service takes by its default, some for the rest of the form.
export const MOST_BYTES = 25e6;
const HIGHEST_RATE_HZ = 44_100;
const LOWEST_RATE_HZ = 16_000; // of what the models hear

/**
 * Return a mono WAV at the highest rate that fits, or null: where the browser cannot play the file, and
 * where it is so long that treble would be missing. Longer ones are not decoded, which takes gigabytes.
 */
export async function smallerCopy(file, mostBytes = MOST_BYTES) {
  const durationS = await durationOf(file);
  const rateHz = Math.min(HIGHEST_RATE_HZ, Math.floor(mostBytes / SAMPLE_BYTES / durationS));
  if (!(rateHz >= LOWEST_RATE_HZ)) return null;
  const buffer = await decode(file, rateHz);
  return buffer && wavFile([mono(buffer)], rateHz);
}

/** Return how many seconds a file plays, as it says itself; NaN where the browser cannot tell. */
async function durationOf(file) {
  const address = URL.createObjectURL(file);
  const player = new Audio();
  player.preload = "metadata";
  try {
    return await new Promise((resolve) => {
      player.onloadedmetadata = () => resolve(player.duration);
      player.onerror = () => resolve(NaN);
      player.src = address;
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}
