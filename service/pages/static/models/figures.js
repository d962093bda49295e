/** How good a model is: figures with their intervals, and the recall of each label as bars. */

import { make } from "../dom.js";
import { readable } from "../music/chords.js";

const FIGURES = {
  accuracy: ["Accuracy", "Share of the recordings that got the right label."],
  balanced_accuracy: ["Balanced accuracy", "The same, with every label counting alike."],
  macro_f1: ["Macro F1", "How well labels are found and not claimed wrongly, every label alike."],
  ece: ["Calibration error", "How far its confidence is from the truth; 0 is best."],
};

/** Make the section for a card; where there are several data sets, one is chosen. */
export function figures({ evaluation }) {
  const chosen = Math.max(0, evaluation.findIndex(({ data_set }) => data_set === "all"));
  const place = make("div", {});
  const show = (index) => place.replaceChildren(...figuresOf(evaluation[index]));
  const options = evaluation.map(({ data_set, n }, i) =>
    make("option", { value: i, selected: i === chosen }, `${data_set} (${n.toLocaleString("en")} recordings)`));
  const choice = make("select", { id: "data-set", onchange: () => show(Number(choice.value)) }, ...options);
  if (evaluation.length > 0) show(chosen);
  return make("section", { className: "card figures" },
    make("h2", {}, "How good it is"),
    evaluation.length === 0 && make("p", {}, "It was not evaluated."),
    evaluation.length > 0 &&
      make("p", { className: "choice" }, make("label", { htmlFor: "data-set" }, "Checked on "), choice),
    place,
  );
}

function figuresOf(evaluation) {
  const rows = Object.entries(FIGURES).map(([name, [title, meaning]]) =>
    intervalRow(title, evaluation[name], meaning));
  const recalls = Object.entries(evaluation.per_class_recall).map(([label, estimate]) =>
    intervalRow(readable(label), estimate));
  return [
    make("p", { className: "note" }, `${sentence(evaluation.protocol)}.`),
    make("ul", { className: "intervals wide", "aria-label": "Figures" }, ...rows),
    make("h3", {}, "Recall per label"),
    make("p", { className: "note" }, "Of the recordings that truly have the label, the share that it found. Lines show 95 % intervals."),
    make("ul", { className: "intervals", "aria-label": "Recall per label" }, ...recalls),
  ];
}

/** A value as a bar, with the line of its interval across the end. */
function intervalRow(title, { value, low, high }, meaning = "") {
  const fill = make("span", { className: "bar-fill" });
  fill.style.width = `${100 * value}%`;
  const whisker = make("span", { className: "whisker" });
  whisker.style.left = `${100 * low}%`;
  whisker.style.width = `${100 * (high - low)}%`;
  return make("li", {},
    make("span", { className: "bar-label" }, title, meaning && make("span", { className: "note" }, meaning)),
    make("span", { className: "interval-track", "aria-hidden": "true" }, fill, whisker),
    make("span", { className: "bar-value" }, value.toFixed(2), make("span", { className: "note" }, ` ${low.toFixed(2)} to ${high.toFixed(2)}`)),
  );
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);
