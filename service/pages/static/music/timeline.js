/** Where a timeline is at a time. */

/** Return the index of the segment that sounds at a time, or -1. */
export function segmentAt(timeline, seconds) {
  return timeline.findIndex(({ start_s, end_s }) => start_s <= seconds && seconds < end_s);
}

/** Tell whether an answer is to be doubted, rather than of a song of which no one chord is all. */
export function doubtful({ uncertain, chords = [] }) {
  return uncertain && chords.length < 2;
}
