/** The three answers about a recording, each with what it means. */

import { BASE } from "../api.js";
import { labelColour } from "../colours.js";
import { make } from "../dom.js";
import { NO_CHORD, readable, transpose } from "../music/chords.js";
import { named } from "../music/said.js";
import { ENERGY, FOLLOW_CHORDS, MANY_CHORDS, NO_CHORD_MEANING, ONLY_GUESSED, UNCERTAIN, percent, taskWords, tuningWords, warningWords } from "../words.js";

const BARS = 5;

/** Return cards for all answers, with chord names so many semitones higher. */
export function answerCards({ results, unavailable = [] }, semitones) {
  const cards = Object.values(results).map((result) => {
    if (result.heard_instead) return insteadCard(result);
    return result.task === "chord" ? chordCard(result, semitones) : labelCard(result);
  });
  return [...cards, ...unavailable.map(missingCard)];
}

/** Return what was wrong with the recording, or null. */
export function warningList(warnings) {
  if (warnings.length === 0) return null;
  const items = warnings.map(warningWords).map(({ code, title, meaning }) => {
    const item = make("li", {}, make("strong", {}, `${title}. `), meaning);
    item.dataset.code = code;
    return item;
  });
  return make("ul", { className: "warnings", "aria-label": "About the recording" }, ...items);
}

/** Of what is no music there is nothing to tell but what it is. */
function insteadCard(result) {
  return card(result, [
    headline(result.heard_instead, "instead of music"),
    make("p", { className: "note" }, ONLY_GUESSED),
  ]);
}

function labelCard(result) {
  const names = Object.keys(result.probabilities).sort();
  const rows = Object.entries(result.probabilities).slice(0, BARS).map(([label, share]) =>
    bar({ label, share, colour: result.task === "emotion" ? null : labelColour(names.indexOf(label)) }),
  );
  return card(result, [
    headline(result.label, `${percent(result.confidence)} sure`),
    uncertainNote(result),
    make("ul", { className: "bars", "aria-label": "Probabilities" }, ...rows),
    ...Object.entries(result.ratings ?? {}).map(([name, value]) => rating(name, value)),
  ]);
}

function chordCard(result, semitones) {
  const { label, confidence, timeline } = result;
  const parts = result.chords ?? [{ label, share: 1 }]; // a model that joins no windows tells none
  const name = (chord) => readable(transpose(chord, semitones));
  const song = parts.length > 1;
  const several = parts.filter((part) => part.label !== NO_CHORD).length > 1;
  const rows = song
    ? parts.slice(0, BARS).map((part) => bar({ label: name(part.label), share: part.share }))
    : Object.entries(result.probabilities).slice(0, BARS).map(([chord, share]) => bar({ label: name(chord), share }));
  const silent = parts.slice(0, BARS).some((part) => part.label === NO_CHORD);
  return card(result, [
    headline(name(named(result)), song ? "sounds longest" : `${percent(confidence)} sure`),
    pitchNote(result, name),
    several && make("p", { className: "note" }, MANY_CHORDS, timeline ? ` ${FOLLOW_CHORDS}` : ""),
    !song && uncertainNote(result),
    make("ul", { className: "bars", "aria-label": song ? "Share of the time" : "Probabilities" }, ...rows),
    song && make("p", { className: "note" }, "Share of the time that each sounds."),
    silent && make("p", { className: "note" }, NO_CHORD_MEANING),
  ]);
}

/** Return the key and the tuning of what sounds, as far as they are told. */
function pitchNote({ key, tuning_cents: cents }, name) {
  const [tonic, mode] = key?.label.split(" ") ?? [];
  const facts = [
    key && `Key: ${name(tonic)} ${mode}, ${percent(key.probability)} sure.`,
    cents !== undefined && tuningWords(cents),
  ].filter(Boolean);
  return facts.length > 0 && make("p", { className: "note" }, facts.join(" "));
}

function missingCard(task) {
  return make("section", { className: `card of-${task}` },
    make("h3", {}, taskWords(task).title),
    make("p", {}, "Its model does not serve at the moment, so there is no answer."),
  );
}

function card({ task }, content) {
  const { title, question } = taskWords(task);
  const link = make("a", {
    href: `${BASE}models/${encodeURIComponent(task)}`,
    target: "_blank", // the recordings of this page would be lost
    rel: "opener", // shares the API key of this tab with the new one
    className: "card-link",
  }, question, make("span", { className: "unseen" }, " (opens a new tab)"));
  return make("section", { className: `card of-${task}` }, make("h3", {}, title), ...content, link);
}

function headline(label, about) {
  return make("p", { className: "headline" }, make("strong", {}, label), " ", make("span", {}, about));
}

function uncertainNote({ uncertain }) {
  return uncertain && make("p", { className: "uncertain" }, make("strong", {}, "Uncertain. "), UNCERTAIN);
}

function rating(name, value) {
  const shown = name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  return make("div", { className: "rating" },
    make("ul", { className: "bars", "aria-label": "Rating" }, bar({ label: shown, share: value })),
    make("p", { className: "note" }, name === "energy" ? ENERGY : "What listeners would rate."),
  );
}

function bar({ label, share, colour = null }) {
  const fill = make("span", { className: "bar-fill" });
  fill.style.width = `${100 * share}%`;
  if (colour) fill.style.background = colour;
  return make("li", {},
    make("span", { className: "bar-label" }, label),
    make("span", { className: "bar-track", "aria-hidden": "true" }, fill),
    make("span", { className: "bar-value" }, percent(share)),
  );
}
