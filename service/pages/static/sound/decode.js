/** Turn a file into samples that this browser can play and paint. */

const RATE_HZ = 44_100;

/** Return an AudioBuffer of some rate, or null where the browser does not know the format. */
export async function decode(file, rateHz = RATE_HZ) {
  // Offline, so that it needs no click of a person, as a context that plays would.
  const context = new OfflineAudioContext(1, 1, rateHz);
  try {
    return await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    return null;
  }
}

/** Return the mean of all channels. */
export function mono(buffer) {
  const mix = buffer.getChannelData(0).slice();
  for (let channel = 1; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < mix.length; i += 1) mix[i] += samples[i];
  }
  for (let i = 0; i < mix.length; i += 1) mix[i] /= buffer.numberOfChannels;
  return mix;
}
