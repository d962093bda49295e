/** One strip along the time axis that is painted. */

import { make } from "../dom.js";

/**
 * Make a lane of some height. `paint(context, view)` draws what shows; `says` tells it in words to
 * those who do not see it. Labels lie over the lane's beginning, however far it is scrolled.
 */
export function paintedLane({ name, height, paint, says, labels = [] }) {
  const canvas = make("canvas", { role: "img", "aria-label": says });
  canvas.style.height = `${height}px`;
  const over = labels.map((label) => make("span", { className: "lane-label" }, label));
  if (over[1]) over[1].style.top = `${height - 26}px`; // the first lies at the top
  const element = make("div", { className: `lane ${name}` },
    make("div", { className: "lane-labels" }, ...over), canvas);
  const draw = (view) => {
    const sharp = devicePixelRatio || 1;
    canvas.width = Math.round(view.width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.width = `${view.width}px`;
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    paint(context, { ...view, height, x: (seconds) => (seconds - view.start) * view.pxPerSecond });
  };
  return { element, draw };
}

/** Return the points of a timeline between which a curve runs: the middles of its segments. */
export function curvePoints(timeline, valueOf) {
  const middles = timeline.map((segment) => ({
    seconds: (segment.start_s + segment.end_s) / 2,
    value: valueOf(segment),
  }));
  const [first, last] = [timeline[0], timeline.at(-1)];
  return [
    { seconds: first.start_s, value: valueOf(first) },
    ...middles,
    { seconds: last.end_s, value: valueOf(last) },
  ];
}

/** Tell in words which label has which stretch; neighbours of the same label are one. */
export function inWords(title, timeline, clock) {
  const stretches = [];
  for (const { label, start_s, end_s } of timeline) {
    if (stretches.at(-1)?.label === label) stretches.at(-1).end_s = end_s;
    else stretches.push({ label, start_s, end_s });
  }
  const told = stretches.slice(0, 20).map((s) => `${s.label} from ${clock(s.start_s)}`);
  if (stretches.length > told.length) told.push(`and ${stretches.length - told.length} more`);
  return `${title} over time: ${told.join(", ")}.`;
}
