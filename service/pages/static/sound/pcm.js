/** Samples as integers of 16 bits, as files keep them and streams send them. */

export const SAMPLE_BYTES = 2;

/** Return samples between -1 and 1 as an Int16Array; what is beyond is clipped. */
export function pcm16(samples) {
  const integers = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    integers[i] = Math.round(32767 * Math.max(-1, Math.min(1, samples[i])));
  }
  return integers;
}
