/** The panel of live listening: a level, what sounds, a way to stop, and the answer at the end. */

import { button, icon, make } from "../dom.js";
import { answerCards } from "../show/answers.js";
import { problemBox } from "../show/problem.js";
import { clock } from "../words.js";
import { listen } from "./listen.js";
import { readout, summary } from "./readout.js";

const TOLD_EVERY_S = 10; // to screen readers, whose voice the microphone may hear
const QUIET_DB = -60;
const TITLES = { starting: "Opening the microphone …", live: "Listening live", ending: "One moment …", over: "Live listening" };
const NOTHING = "Stopped before anything was heard.";
const QUIET = "The microphone hears next to nothing. Is it the right one, and not muted?";

/**
 * Shows one spell of listening at a time. `announce` is told what those should hear who do not see
 * the page; `onClose` is called when the panel is closed.
 */
export class LivePanel {
  #place;
  #announce;
  #onClose;
  #title = make("h2", { id: "live-title" });
  #time = make("p", { className: "facts" });
  #level = make("meter", { min: 0, max: 1, "aria-label": "Level of the microphone" });
  #note = make("p", { className: "note" });
  #answers = make("div", { className: "live-answers" });
  #problem = make("div");
  #toggle = button("", () => this.#pressed(), { className: "primary live-toggle" });
  #close = button(icon("close"), () => this.#closed(), {
    className: "tool", title: "Close", "aria-label": "Close live listening",
  });
  #state = "over";
  #stop = null;

  constructor(place, { announce, onClose }) {
    this.#place = place;
    this.#announce = announce;
    this.#onClose = onClose;
    place.append(
      make("div", { className: "live-head" }, make("div", {}, this.#title, this.#time), this.#toggle, this.#close),
      this.#level, this.#note, this.#problem, this.#answers,
    );
  }

  get open() {
    return !this.#place.hidden;
  }

  /** Listen until someone stops it; if it listens already, show where. */
  async start() {
    this.#place.hidden = false;
    this.#toggle.focus();
    if (this.#state !== "over") return;
    this.#enter("starting");
    this.#problem.replaceChildren();
    this.#answers.replaceChildren();
    this.#time.textContent = this.#note.textContent = "";
    this.#stop = new AbortController();
    const { last, problem } = await this.#listen(this.#stop.signal);
    this.#enter("over");
    this.#note.textContent = "";
    if (last) this.#showLast(last);
    else if (!problem) this.#note.textContent = NOTHING;
    if (problem) this.#problem.replaceChildren(problemBox(problem));
    const ended = last ? `Stopped. ${summary(last)}` : NOTHING;
    this.#announce(problem ? `${problem.title}. ${problem.detail}` : ended);
  }

  /** Listen to the end; return the last answer, if there was one, and what went wrong, if anything. */
  async #listen(signal) {
    const shown = readout();
    let last = null;
    let toldAt = 0;
    const onAnswer = (answer) => {
      last = answer;
      shown.show(answer);
      if (!shown.element.isConnected) this.#answers.replaceChildren(shown.element);
      this.#time.textContent = clock(answer.heard_s);
      this.#note.textContent = answer.level_db < QUIET_DB ? QUIET : "";
      if (answer.final || answer.heard_s < toldAt + TOLD_EVERY_S) return;
      toldAt = answer.heard_s;
      this.#announce(summary(answer));
    };
    const onStart = () => this.#enter("live");
    const onLevel = (level) => (this.#level.value = level);
    try {
      await listen({ signal, onStart, onLevel, onAnswer });
    } catch (error) {
      if (error.name !== "AbortError") return { last, problem: error };
    }
    return { last, problem: null };
  }

  #enter(state) {
    this.#state = state;
    this.#place.dataset.state = state;
    this.#title.textContent = TITLES[state];
    this.#level.hidden = state === "over";
    this.#close.hidden = state !== "over";
    const again = state === "over";
    this.#toggle.replaceChildren(icon(again ? "again" : "stop"), again ? "Listen again" : "Stop");
    this.#toggle.setAttribute("aria-disabled", String(state === "ending")); // keeps the focus
    if (state === "live") this.#announce("Listening live.");
  }

  #pressed() {
    if (this.#state === "over") this.start();
    else if (this.#state !== "ending") {
      this.#enter("ending");
      this.#stop.abort();
    }
  }

  #showLast({ so_far }) {
    this.#title.textContent = "What was heard";
    const results = Object.fromEntries(
      Object.entries(so_far).map(([task, said]) => [task, { task, ...said }]),
    );
    this.#answers.replaceChildren(make("div", { className: "cards" }, ...answerCards({ results }, 0)));
  }

  #closed() {
    this.#place.hidden = true;
    this.#onClose();
  }
}
