/** Listen to the microphone as it is: no canceller or noise gate, which take music for noise. */

import { unreachable } from "../api.js";
import { stayAwake } from "../awake.js";

/**
 * Open the microphone and call `onBlock` with each mono block of samples, and `onLost` if there are
 * no more because it was unplugged or is not allowed any more.
 *
 * Returns `{sampleRateHz, stop}`. Throws an Error in words for people.
 */
export async function openMicrophone(onBlock, onLost = () => {}) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers offer the microphone only to pages under https, or on localhost.");
  }
  const stream = await navigator.mediaDevices.getUserMedia(WISHES).catch((error) => {
    throw new Error(REFUSALS[error.name] ?? `The microphone cannot be used: ${error.message}`);
  });
  for (const track of stream.getTracks()) track.onended = onLost; // not when this page stops it
  const context = new AudioContext();
  const stop = async () => {
    stayAwake(stream, false);
    for (const track of stream.getTracks()) track.stop();
    if (context.state !== "closed") await context.close(); // may be stopped twice
  };
  try {
    await context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
  } catch {
    await stop();
    throw unreachable(); // the module comes from the service too
  }
  const source = context.createMediaStreamSource(stream);
  const options = { channelCount: 1, channelCountMode: "explicit", numberOfOutputs: 0 };
  const capture = new AudioWorkletNode(context, "capture", options);
  capture.port.onmessage = ({ data }) => onBlock(data);
  source.connect(capture);
  await context.resume();
  stayAwake(stream, true); // phones that lock themselves turn the microphone off
  return { sampleRateHz: context.sampleRate, stop };
}

const WISHES = {
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};
const REFUSALS = {
  NotAllowedError: "The microphone was not allowed. Allow it beside the page's address, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  NotReadableError: "Another program uses the microphone. Close it, then try again.",
};
