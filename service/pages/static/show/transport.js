/** The player's buttons and its bar: play, position, zoom, and what is in the loop. */

import { button, icon, make } from "../dom.js";
import { clock } from "../words.js";

/** Make the controls of a player and a time axis; `refresh` shows a position on them. */
export function transport(player, axis) {
  const play = button(icon("play"), () => player.toggle(), { className: "play", "aria-label": "Play" });
  const bar = make("input", { type: "range", min: 0, step: "any", value: 0, "aria-label": "Position" });
  bar.oninput = () => player.seek(Number(bar.value));
  const time = make("span", { className: "time" });
  const loop = button("", () => player.setLoop(null), { className: "loop-chip", hidden: true });
  const zoom = (name, words, act) =>
    button(icon(name), act, { className: "tool", title: words, "aria-label": words });
  const zoomOut = zoom("zoom-out", "Show more", () => change(0.5));
  const zoomIn = zoom("zoom-in", "Show less, larger", () => change(2));
  const whole = zoom("whole", "Show all", () => change(0));
  const element = make("div", { className: "transport" }, play, bar, time, loop,
    make("span", { className: "zoom", role: "group", "aria-label": "Zoom" }, zoomOut, zoomIn, whole));

  function change(factor) {
    axis.zoomBy(factor, player.position);
    showZoom();
  }

  function showZoom() {
    zoomIn.disabled = !axis.canZoomIn;
    zoomOut.disabled = whole.disabled = !axis.zoomed;
  }

  /** Show a position, in a recording of some length. */
  function refresh(position, duration) {
    bar.max = duration;
    bar.disabled = duration === 0;
    bar.value = position;
    bar.setAttribute("aria-valuetext", `${clock(position)} of ${clock(duration)}`);
    bar.style.setProperty("--played", `${(100 * position) / Math.max(duration, 0.01)}%`);
    time.textContent = `${clock(position, { tenths: true })} / ${clock(duration)}`;
  }

  /** Show whether it plays, and which chord goes round. */
  function showState(looped) {
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    play.disabled = !player.ready;
    loop.hidden = looped === null;
    loop.textContent = looped === null ? "" : `Looping ${looped} ✕`;
    loop.setAttribute("aria-label", `Stop looping ${looped ?? ""}`);
    showZoom();
  }

  return { element, refresh, showState };
}

/** Let the space bar play and pause, wherever it has no other meaning. */
export function playWithSpace(player) {
  let byKeys = true; // whether the keyboard, and not the mouse, led to where the focus is
  addEventListener("pointerdown", () => (byKeys = false), { capture: true });
  const hasOwnUse = (target) => {
    if (target.matches("input[type=range]")) return false;
    if (target.closest("input, textarea, select, summary, dialog")) return true;
    return byKeys && target.matches("button, a");
  };
  addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key.startsWith("Arrow")) byKeys = true;
    if (event.key !== " " || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!player.ready || hasOwnUse(event.target)) return;
    event.preventDefault();
    if (!event.repeat) player.toggle();
  });
  // Where the mouse pressed a button last, the browser would press it again on the way up.
  addEventListener("keyup", (event) => {
    if (event.key === " " && player.ready && !hasOwnUse(event.target)) event.preventDefault();
  });
}
