/** How loud sound is, on the scale of a meter. */

const FLOOR_DB = -60;

/** Return the loudness of a block of samples: 0 for silence and 1 for full scale. */
export function levelOf(block) {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  return Math.max(0, 1 - (10 * Math.log10(power + 1e-10)) / FLOOR_DB);
}
