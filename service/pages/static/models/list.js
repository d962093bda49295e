/** The page of all models: what each tells, and whether it serves. */

import { byId, make } from "../dom.js";
import { BASE } from "../api.js";
import { readable } from "../music/chords.js";
import { taskWords } from "../words.js";
import { load } from "./load.js";

const MANY = 16; // labels; of more, only the first are listed

load("models", byId("models"), (models) => models.map(summary));

function summary({ task, state, reason, version, summary: text, labels }) {
  const title = taskWords(task).title;
  const listed = labels.slice(0, MANY).map((label) => make("li", { className: "chip" }, readable(label)));
  if (labels.length > MANY) listed.push(make("li", { className: "chip" }, `and ${labels.length - MANY} more`));
  return make("section", { className: "card" },
    make("h2", {}, state === "ready" ? make("a", { href: `${BASE}models/${encodeURIComponent(task)}` }, title) : title),
    make("p", { className: "note" }, [state, version && `version ${version}`].filter(Boolean).join(", ")),
    text && make("p", {}, text),
    reason && make("p", { className: "problem" }, reason),
    make("ul", { className: "chips", "aria-label": "Labels" }, ...listed),
  );
}
