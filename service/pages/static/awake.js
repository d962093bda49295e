/** Keep the screen on while there is something to follow, with both hands on an instrument. */

const reasons = new Set();
let lock = null; // the browser's promise of it, which ends by itself when the page is hidden

/** Tell whether `reason`, any object or word, needs the screen; it goes dark when none does. */
export function stayAwake(reason, needed) {
  if (needed) reasons.add(reason);
  else reasons.delete(reason);
  adjust();
}

function adjust() {
  if (reasons.size === 0) {
    lock?.then((held) => held?.release());
    lock = null;
  } else if (document.visibilityState === "visible") {
    // Not offered to pages without https, and refused where the battery is low.
    lock ??= navigator.wakeLock?.request("screen").catch(() => null);
  } else lock = null;
}

document.addEventListener("visibilitychange", adjust);
