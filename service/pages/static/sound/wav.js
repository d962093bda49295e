/** Write samples as a WAV file, which every service and program reads. */

import { SAMPLE_BYTES, pcm16 } from "./pcm.js";

const HEADER_BYTES = 44;

/** Return a Blob of 16-bit PCM from mono blocks of samples between -1 and 1. */
export function wavFile(blocks, sampleRateHz) {
  const samples = blocks.reduce((sum, block) => sum + block.length, 0);
  const soundBytes = SAMPLE_BYTES * samples;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const text = (offset, word) => [...word].forEach((c, i) => view.setUint8(offset + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + soundBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format that follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channel
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, SAMPLE_BYTES * sampleRateHz, true);
  view.setUint16(32, SAMPLE_BYTES, true); // bytes a frame
  view.setUint16(34, 8 * SAMPLE_BYTES, true); // bits a sample
  text(36, "data");
  view.setUint32(40, soundBytes, true);
  return new Blob([view, ...blocks.map(pcm16)], { type: "audio/wav" });
}
