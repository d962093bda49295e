/** The recording itself: its waveform and its mel spectrogram. */

import { styleColour } from "../colours.js";
import { clock } from "../words.js";
import { paintedLane } from "./lane.js";

/** Make the lanes of a recording's pictures. */
export function soundLanes({ peaks, spectrogram }, duration) {
  return [waveform(peaks, duration), melLane(spectrogram, duration)];
}

/** Make a lane with the times written along it. */
export function rulerLane(duration) {
  const paint = (context, { start, end, width, pxPerSecond, height, x }) => {
    context.fillStyle = styleColour("--muted");
    context.font = "11px system-ui, sans-serif";
    const step = STEPS_S.find((seconds) => seconds * pxPerSecond >= 64) ?? STEPS_S.at(-1);
    for (let tick = Math.ceil(start / step) * step; tick <= end; tick += step) {
      context.fillRect(x(tick), height - 4, 1, 4);
      const text = clock(tick, { tenths: step < 1 });
      if (x(tick) + context.measureText(text).width < width) context.fillText(text, x(tick) + 4, 12);
    }
  };
  return paintedLane({ name: "ruler", height: 18, paint, says: `Time, to ${clock(duration)}` });
}

const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];

function waveform(peaks, duration) {
  const loudest = peaks.reduce((most, peak) => Math.max(most, peak), 1e-3);
  const paint = (context, { width, height, start, pxPerSecond }) => {
    context.fillStyle = styleColour("--wave");
    const middle = height / 2;
    const perSecond = peaks.length / duration;
    for (let x = 0; x < width; x += BAR_PX) {
      const from = Math.floor((start + x / pxPerSecond) * perSecond);
      const to = Math.max(from + 1, Math.floor((start + (x + BAR_PX) / pxPerSecond) * perSecond));
      if (from >= peaks.length) break;
      let peak = 0;
      for (let i = from; i < to && i < peaks.length; i += 1) peak = Math.max(peak, peaks[i]);
      const half = Math.max(0.75, (peak / loudest) * (middle - 4));
      context.beginPath();
      context.roundRect(x, middle - half, BAR_PX - 1, 2 * half, 1);
      context.fill();
    }
  };
  return paintedLane({ name: "waveform", height: 84, paint, says: "Waveform: how loud it is" });
}

const BAR_PX = 3;

function melLane(spectrogram, duration) {
  const paint = (context, { width, height, start, pxPerSecond }) => {
    const perSecond = spectrogram.width / duration;
    const from = start * perSecond;
    const columns = Math.min((width / pxPerSecond) * perSecond, spectrogram.width - from);
    const target = (columns / perSecond) * pxPerSecond;
    context.drawImage(spectrogram, from, 0, columns, spectrogram.height, 0, 0, target, height);
  };
  const says = "Mel spectrogram: which pitches sound, low at the bottom and high at the top";
  return paintedLane({ name: "spectrogram", height: 112, paint, says });
}
