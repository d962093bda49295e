/** The open recording: what it is, its answers, the stage to hear and follow it, and its exports. */

import { button, make } from "../dom.js";
import { anyChord } from "../music/chords.js";
import { clock } from "../words.js";
import { answerCards, warningList } from "./answers.js";
import { keyControls } from "./key-controls.js";
import { problemBox } from "./problem.js";
import { Stage } from "./stage.js";
import { takeAway } from "./take-away.js";

const BUSY = {
  queued: "Next in line",
  sending: "Sending",
  judging: "Listening",
  copying: "Making a smaller copy",
  waiting: "Waiting",
};

// Where cards stand one below the other, who wants to listen would have to scroll past three screens.
const NARROW = matchMedia("(max-width: 640px)");

const TOO_LONG = "too-many-seconds";
const BEGINNINGS_S = [600, 120]; // of what is too long to be heard whole, where that is too much, too

/**
 * Shows one recording, and follows it from the upload to the answer. `hearBeginning` is called with a
 * recording that is too long, and how many seconds of it are wanted instead.
 */
export class RecordingView {
  #place;
  #hearBeginning;
  #stage = new Stage();
  #head = make("div", { className: "recording-head" });
  #state = make("div", { className: "recording-state" });
  #cards = make("div", { className: "cards" });
  #controls = make("div");
  #takeAway = make("div");
  #recording = null;
  #semitones = 0;

  constructor(place, { hearBeginning }) {
    this.#place = place;
    this.#hearBeginning = hearBeginning;
    place.append(this.#head, this.#state, this.#stage.element, this.#controls, this.#takeAway);
    this.#placeCards();
    NARROW.addEventListener("change", () => this.#placeCards());
  }

  get recording() {
    return this.#recording;
  }

  /** Open a recording, whatever state it is in. */
  open(recording) {
    this.#recording = recording;
    this.#semitones = 0;
    this.#place.hidden = false;
    this.#cards.replaceChildren();
    this.#controls.replaceChildren();
    this.#takeAway.replaceChildren();
    this.#stage.open(recording);
    this.update(recording);
  }

  /** Close it and show none. */
  close() {
    this.#recording = null;
    this.#place.hidden = true;
    this.#stage.close();
  }

  /** Show what became of the recording, if it is the open one. */
  update(recording) {
    if (recording !== this.#recording) return;
    this.#head.replaceChildren(...head(recording));
    this.#state.replaceChildren(...state(recording), ...this.#shorter(recording));
    const answered = recording.state === "done";
    if (answered && this.#cards.childElementCount === 0) this.#showAnswer();
  }

  /** Offer to hear the beginning, where all of it is too much. */
  #shorter(recording) {
    const seconds = BEGINNINGS_S.find((less) => less < (recording.beginningS ?? Infinity));
    if (recording.problem?.kind !== TOO_LONG || !seconds) return [];
    const hear = () => this.#hearBeginning(recording, seconds);
    return [button(`Hear its first ${seconds / 60} minutes`, hear, { className: "primary shorter" })];
  }

  #showAnswer() {
    const { answer } = this.#recording;
    this.#showCards();
    if (anyChord(answer.results.chord)) {
      this.#controls.replaceChildren(keyControls((semitones) => this.#shift(semitones)));
    }
    this.#takeAway.replaceChildren(takeAway(this.#recording, () => this.#semitones));
    this.#stage.answered();
  }

  /** Put the cards before the player, or behind what steers it: for eyes and keys alike. */
  #placeCards() {
    (NARROW.matches ? this.#controls : this.#state).after(this.#cards);
  }

  #showCards() {
    this.#cards.replaceChildren(...answerCards(this.#recording.answer, this.#semitones));
  }

  #shift(semitones) {
    this.#semitones = semitones;
    this.#showCards();
    this.#stage.showShift(semitones);
  }
}

function head({ name, answer, beginningS, copy }) {
  const title = make("h2", { title: name }, name);
  if (!answer) return [title];
  const { duration_s, sample_rate_hz, channels, format, warnings } = answer.audio;
  const ways = { 1: "mono", 2: "stereo" }[channels] ?? `${channels} channels`;
  const heard = beginningS ? `the first ${clock(duration_s)}` : clock(duration_s);
  const facts = [heard, format.toUpperCase(), `${sample_rate_hz / 1e3} kHz`, ways];
  if (copy) facts.push("heard in a smaller copy");
  return [title, make("p", { className: "facts" }, facts.join(" · ")), ...[warningList(warnings)].filter(Boolean)];
}

function state({ state: name, sent, problem }) {
  if (name === "failed") return [problemBox(problem)];
  if (name === "cancelled") return [make("p", { className: "note" }, "Cancelled before there was an answer.")];
  if (!(name in BUSY)) return [];
  const progress = make("progress", { max: 1, "aria-label": BUSY[name] });
  if (name === "sending") progress.value = sent;
  const why = problem ? `: ${problem.title.toLowerCase()}, it will be tried again` : " …";
  return [make("p", { className: "busy" }, BUSY[name] + why), progress];
}
