/** Colours from quiet to loud, ever lighter, so that they read without telling hues apart. */

const STOPS = [
  [0, [17, 13, 24]],
  [0.25, [58, 22, 74]],
  [0.5, [150, 38, 82]],
  [0.75, [232, 104, 52]],
  [0.92, [253, 196, 94]],
  [1, [255, 246, 214]],
];

/** Return 256 colours, `[red, green, blue, alpha]`. */
export function heatColours() {
  return Array.from({ length: 256 }, (_, level) => [...colourAt(level / 255), 255]);
}

function colourAt(level) {
  const above = Math.max(1, STOPS.findIndex(([stop]) => stop >= level));
  const [[low, from], [high, to]] = [STOPS[above - 1], STOPS[above]];
  const share = (level - low) / (high - low);
  return from.map((part, i) => part + share * (to[i] - part));
}
