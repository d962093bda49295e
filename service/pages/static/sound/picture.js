/** Ask the worker for the pictures of a recording. */

import { mono } from "./decode.js";

const worker = new Worker(new URL("picture-worker.js", import.meta.url), { type: "module" });
// As when the network went away before its code had come.
const broken = new Promise((resolve) => worker.addEventListener("error", () => resolve(null), { once: true }));
let ids = 0;

/**
 * Return `{peaks, spectrogram}`: loudness from 0 to 1, and a canvas of the mel spectrogram. Null if the
 * worker cannot work; there is no picture then.
 */
export function pictureOf(buffer) {
  const id = ++ids;
  const samples = mono(buffer);
  const painted = new Promise((resolve) => {
    worker.addEventListener("message", function take({ data }) {
      if (data.id !== id) return;
      worker.removeEventListener("message", take);
      const spectrogram = document.createElement("canvas");
      Object.assign(spectrogram, { width: data.columns, height: data.bands });
      const image = new ImageData(data.pixels, data.columns, data.bands);
      spectrogram.getContext("2d").putImageData(image, 0, 0);
      resolve({ peaks: data.peaks, spectrogram });
    });
    worker.postMessage({ id, samples, sampleRateHz: buffer.sampleRate }, [samples.buffer]);
  });
  return Promise.race([painted, broken]);
}
