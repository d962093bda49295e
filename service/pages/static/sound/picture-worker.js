/** Computes, beside the page, what is painted of a recording: waveform and spectrogram. */

import { BANDS, melSpectrogram } from "./mel.js";
import { heatColours } from "./heat.js";

const COLUMNS = 6000;
const PEAKS = 32_000;

onmessage = ({ data: { id, samples, sampleRateHz } }) => {
  const peaks = peaksOf(samples);
  const { columns, levels } = melSpectrogram(samples, sampleRateHz, COLUMNS);
  const pixels = coloured(levels, columns);
  postMessage({ id, peaks, columns, bands: BANDS, pixels }, [peaks.buffer, pixels.buffer]);
};

/** The loudest sample of each stretch, all stretches equally long. */
function peaksOf(samples) {
  const count = Math.min(PEAKS, Math.max(1, Math.floor(samples.length / 64)));
  const peaks = new Float32Array(count);
  for (let i = 0; i < samples.length; i += 1) {
    const at = Math.min(count - 1, Math.floor((i / samples.length) * count));
    peaks[at] = Math.max(peaks[at], Math.abs(samples[i]));
  }
  return peaks;
}

/** The picture, row by row, with the highest band on top. */
function coloured(levels, columns) {
  const colours = heatColours();
  const pixels = new Uint8ClampedArray(4 * columns * BANDS);
  for (let column = 0; column < columns; column += 1) {
    for (let band = 0; band < BANDS; band += 1) {
      const at = 4 * ((BANDS - 1 - band) * columns + column);
      pixels.set(colours[levels[column * BANDS + band]], at);
    }
  }
  return pixels;
}
