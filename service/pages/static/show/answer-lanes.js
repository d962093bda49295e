/** What the models say along the time axis: bands for many labels, a curve for two. */

import { labelColour, styleColour } from "../colours.js";
import { clock, percent, taskWords } from "../words.js";
import { curvePoints, inWords, paintedLane } from "./lane.js";

const LEGEND = 4; // labels that are named

/** Make the lane of any task but chords. */
export function answerLane(result) {
  return Object.keys(result.probabilities).length === 2 ? curveLane(result) : bandsLane(result);
}

/** Every label is a band, as thick as it is probable. */
function bandsLane({ task, probabilities, timeline }) {
  const labels = Object.keys(probabilities); // the most probable first, which lies at the bottom
  const names = [...labels].sort();
  const { title } = taskWords(task);
  const colour = (label) => labelColour(names.indexOf(label));
  const paint = (context, { height, x }) => {
    let below = curvePoints(timeline, () => 0);
    for (const label of labels) {
      const here = curvePoints(timeline, (segment) => segment.probabilities[label] ?? 0);
      const above = here.map((point, i) => ({ ...point, value: below[i].value + point.value }));
      context.fillStyle = colour(label);
      context.beginPath();
      for (const { seconds, value } of above) context.lineTo(x(seconds), height * (1 - value));
      for (const { seconds, value } of [...below].reverse()) {
        context.lineTo(x(seconds), height * (1 - value));
      }
      context.fill();
      below = above;
    }
  };
  const lane = paintedLane({
    name: "bands",
    height: 64,
    paint,
    says: inWords(title, timeline, clock),
    labels: [title],
  });
  return { ...lane, legend: labels.slice(0, LEGEND).map((label) => ({ label, colour: () => colour(label) })) };
}

/** The probability of one of two labels, and how far it strays from that of the whole. */
function curveLane({ task, probabilities, spread, timeline }) {
  const [upper, lower] = Object.keys(probabilities).sort();
  const { title } = taskWords(task);
  const mean = timeline.reduce((sum, s) => sum + (s.end_s - s.start_s) * s.probabilities[upper], 0) /
    timeline.reduce((sum, s) => sum + s.end_s - s.start_s, 0);
  const deviation = spread?.[upper] ?? 0;
  const paint = (context, { width, height, x }) => {
    const y = (value) => 8 + (height - 16) * (1 - value);
    context.fillStyle = styleColour("--mood-spread");
    const [top, bottom] = [y(Math.min(1, mean + deviation)), y(Math.max(0, mean - deviation))];
    const [from, to] = [x(timeline[0].start_s), x(timeline.at(-1).end_s)];
    context.fillRect(from, top, to - from, Math.max(2, bottom - top));
    context.fillStyle = styleColour("--line");
    context.fillRect(0, y(0.5), width, 1);
    context.strokeStyle = styleColour("--mood");
    Object.assign(context, { lineWidth: 2.5, lineJoin: "round", lineCap: "round" });
    context.beginPath();
    for (const { seconds, value } of curvePoints(timeline, (s) => s.probabilities[upper])) {
      context.lineTo(x(seconds), y(value));
    }
    context.stroke();
  };
  const says = `${inWords(title, timeline, clock)} On average ${upper} with ${percent(mean)}, give or take ${percent(deviation)}.`;
  return paintedLane({ name: "curve", height: 72, paint, says, labels: [`${title}: ${upper}`, lower] });
}
