/** A mel spectrogram: what is loud at which pitch, spaced as the ear hears it. */

const FFT = 2048;
const LOWEST_HZ = 40;
const HIGHEST_HZ = 11_000;
const RANGE_DB = 75;

/** How many bands a spectrogram has. */
export const BANDS = 112;

/**
 * Return levels of a waveform, 0 to 255, a column of BANDS after the other, the lowest first.
 *
 * Longer recordings get columns further apart, not more than `columns`.
 */
export function melSpectrogram(samples, sampleRateHz, columns) {
  const hop = Math.max(FFT / 4, Math.ceil(samples.length / columns));
  const count = Math.max(1, Math.ceil(samples.length / hop));
  const bands = bandEdges(sampleRateHz);
  const transform = fourier();
  const powers = new Float32Array(count * BANDS);
  for (let column = 0; column < count; column += 1) {
    const spectrum = transform(samples, column * hop - FFT / 2);
    for (let band = 0; band < BANDS; band += 1) {
      powers[column * BANDS + band] = triangle(spectrum, bands, band);
    }
  }
  return { columns: count, levels: toLevels(powers) };
}

const toMel = (hz) => 2595 * Math.log10(1 + hz / 700);
const toHz = (mel) => 700 * (10 ** (mel / 2595) - 1);

/** The corners of all triangles, in FFT bins; neighbours share them. */
function bandEdges(sampleRateHz) {
  const lowest = toMel(LOWEST_HZ);
  const step = (toMel(Math.min(HIGHEST_HZ, sampleRateHz / 2)) - lowest) / (BANDS + 1);
  return Array.from({ length: BANDS + 2 }, (_, i) => (toHz(lowest + i * step) * FFT) / sampleRateHz);
}

/** The mean power under a triangle; low ones are narrower than a bin and lie between two. */
function triangle(spectrum, edges, band) {
  const [low, centre, high] = [edges[band], edges[band + 1], edges[band + 2]];
  let [sum, weights] = [0, 0];
  for (let bin = Math.ceil(low); bin < high; bin += 1) {
    const weight = bin < centre ? (bin - low) / (centre - low) : (high - bin) / (high - centre);
    sum += weight * spectrum[bin];
    weights += weight;
  }
  if (weights > 0.5) return sum / weights;
  const below = Math.floor(centre);
  return spectrum[below] + (centre - below) * (spectrum[below + 1] - spectrum[below]);
}

function toLevels(powers) {
  const loudest = powers.reduce((most, power) => Math.max(most, power), 1e-12);
  return Uint8Array.from(powers, (power) => {
    const db = 10 * Math.log10(power / loudest + 1e-12);
    return 255 * Math.max(0, 1 + db / RANGE_DB);
  });
}

/** Return a function that gives the power spectrum of the FFT samples from an offset on. */
function fourier() {
  const window = Float32Array.from({ length: FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT));
  const cosine = Float32Array.from({ length: FFT / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / FFT));
  const sine = Float32Array.from({ length: FFT / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / FFT));
  const order = bitReversed(FFT);
  const [re, im] = [new Float32Array(FFT), new Float32Array(FFT)];
  const power = new Float32Array(FFT / 2 + 2);
  return (samples, offset) => {
    im.fill(0);
    re.fill(0);
    const [from, to] = [Math.max(0, -offset), Math.min(FFT, samples.length - offset)];
    for (let i = from; i < to; i += 1) re[order[i]] = window[i] * samples[offset + i];
    for (let size = 2; size <= FFT; size *= 2) butterflies(re, im, { size, cosine, sine });
    for (let bin = 0; bin <= FFT / 2; bin += 1) power[bin] = re[bin] ** 2 + im[bin] ** 2;
    return power;
  };
}

function butterflies(re, im, { size, cosine, sine }) {
  const half = size / 2;
  const step = FFT / size;
  for (let start = 0; start < FFT; start += size) {
    for (let k = 0; k < half; k += 1) {
      const a = start + k;
      const b = a + half;
      const c = cosine[k * step];
      const s = sine[k * step];
      const real = re[b] * c - im[b] * s;
      const imaginary = re[b] * s + im[b] * c;
      re[b] = re[a] - real;
      im[b] = im[a] - imaginary;
      re[a] += real;
      im[a] += imaginary;
    }
  }
}

function bitReversed(length) {
  const bits = Math.log2(length);
  return Uint16Array.from({ length }, (_, i) => {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
    return reversed;
  });
}
