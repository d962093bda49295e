/** Where a timeline is at a time. */

/** Return the index of the segment that sounds at a time, or -1. */
export function segmentAt(timeline, seconds) {
  return timeline.findIndex(({ start_s, end_s }) => start_s <= seconds && seconds < end_s);
}
