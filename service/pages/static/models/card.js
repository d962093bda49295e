/** The page of one model: its card, for people. */

import { byId, button, make } from "../dom.js";
import { save } from "../music/exports.js";
import { percent, taskWords } from "../words.js";
import { figures } from "./figures.js";
import { load } from "./load.js";

// The page's address ends with the task, whatever path a proxy offers the service under.
const task = decodeURIComponent(location.pathname.split("/").at(-1));
const { title } = taskWords(task);
document.title = `${title}: model card`;
byId("title").textContent = `${title}: how the model came to be, and how good it is`;
load(`models/${encodeURIComponent(task)}`, byId("card"), page);

function page(card) {
  return [
    make("p", { className: "lead" }, card.summary),
    make("p", { className: "note" }, `Version ${card.version}, trained on ${card.training.trained_on}`),
    notFor(card.not_for),
    figures(card),
    uncertain(card.calibration),
    ...card.ratings.map(rating),
    training(card.training),
    keep(card),
  ];
}

function section(heading, ...content) {
  return make("section", { className: "card" }, make("h2", {}, heading), ...content);
}

function notFor(uses) {
  return section("What it is not for", make("ul", { className: "plain" }, ...uses.map((use) => make("li", {}, use))));
}

function uncertain({ uncertain_below: below, fitted_on }) {
  return section("When it says “uncertain”",
    make("p", {}, `When it is less than ${percent(below)} sure, or hears nothing. A tenth of the recordings it was checked on were below that.`),
    make("p", { className: "note" }, `Chosen on ${fitted_on}.`),
  );
}

function rating({ name, meaning, evaluation }) {
  const rows = evaluation.map(({ learned_from, data_set, n, correlation }) =>
    make("tr", {},
      make("th", { scope: "row" }, data_set), make("td", {}, learned_from), make("td", {}, String(n)),
      make("td", {}, `${correlation.value.toFixed(2)} (${correlation.low.toFixed(2)} to ${correlation.high.toFixed(2)})`)));
  const heads = ["Checked on", "Learned from", "Clips", "Correlation (95 %)"];
  return section(`The rating “${name}”`,
    make("p", {}, `${meaning}.`),
    table(heads, rows, `How well ${name} is predicted on collections that were not learned from`),
  );
}

function training({ data_sets, split, command, parameters, epochs, head, code_version, licence_note, clips_skipped }) {
  const rows = Object.entries(data_sets).map(([name, clips]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, clips.toLocaleString("en"))));
  return section("What it was trained on",
    table(["Data set", "Clips"], rows, "Recordings that the shipped network learned from"),
    make("p", {}, `Split ${split}.`),
    clips_skipped > 0 && make("p", {}, `${clips_skipped} clips could not be decoded and were left out.`),
    make("p", {}, `${parameters.toLocaleString("en")} weights, ${epochs} epochs, code version ${code_version}.`),
    head !== "" && make("p", {}, `Head: ${head}.`),
    make("div", { className: "command" }, make("code", { tabIndex: 0, role: "group", "aria-label": "Command of the training" }, command)),
    make("p", { className: "note" }, licence_note),
  );
}

function keep(card) {
  const json = JSON.stringify(card, null, 2);
  return make("div", { className: "buttons" },
    button("The whole card as JSON", () => save(`${card.task}-card.json`, json, "application/json")));
}

function table(heads, rows, caption) {
  return make("div", { className: "table", tabIndex: 0, role: "region", "aria-label": caption },
    make("table", {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows)));
}
