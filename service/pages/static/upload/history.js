/** The list of all recordings of this visit, the newest first. */

import { button, icon, make } from "../dom.js";
import { inShort } from "../music/said.js";
import { clock, fileSize } from "../words.js";

const FINAL = new Set(["done", "failed", "cancelled"]);
const HOPELESS = new Set([413, 415, 422]); // statuses of what lies in the file itself

/**
 * Shows recordings as rows. `actions` are called with the recording of a row:
 * `open`, `cancel`, `again` and `remove`.
 */
export class History {
  #list;
  #actions;
  #rows = new Map();

  constructor(list, actions) {
    this.#list = list;
    this.#actions = actions;
    setInterval(() => this.#countDown(), 500);
  }

  /** Show a recording as it is now; a new one becomes the first row. */
  show(recording) {
    let row = this.#rows.get(recording.id);
    if (!row) {
      row = this.#newRow(recording);
      this.#rows.set(recording.id, row);
      this.#list.prepend(row.item);
    }
    this.#fill(row, recording);
  }

  /** Mark the row of the recording that is open. */
  mark(recording) {
    for (const [id, row] of this.#rows) {
      if (id === recording?.id) row.open.setAttribute("aria-current", "true");
      else row.open.removeAttribute("aria-current");
    }
  }

  /** Take a row away. */
  remove(recording) {
    this.#rows.get(recording.id)?.item.remove();
    this.#rows.delete(recording.id);
  }

  #newRow(recording) {
    const about = make("span", { className: "row-about" });
    const name = make("span", { className: "row-name", title: recording.name }, recording.name);
    const open = make("button", { type: "button", className: "row-open" }, name, about);
    open.onclick = () => this.#actions.open(recording);
    const bar = make("progress", { max: 1, "aria-label": `Sending ${recording.name}` });
    const tools = make("span", { className: "row-tools" });
    return { recording, open, about, bar, tools, item: make("li", {}, open, tools, bar) };
  }

  #fill(row, recording) {
    const { state, sent } = recording;
    row.item.dataset.state = state;
    row.about.replaceChildren(...about(recording));
    row.bar.hidden = FINAL.has(state) || state === "queued";
    if (state === "sending") row.bar.value = sent;
    else row.bar.removeAttribute("value"); // moves without an end: nobody knows how long it takes
    const stage = FINAL.has(state) ? state : "busy";
    // Not made anew with each change, which would take the focus from a button.
    if (row.stage !== stage) row.tools.replaceChildren(...this.#tools(recording));
    row.stage = stage;
  }

  #tools(recording) {
    const tool = (name, word, act) =>
      button(icon(name), () => act(recording), {
        className: "tool",
        title: word,
        "aria-label": `${word}: ${recording.name}`,
      });
    const { cancel, again, remove } = this.#actions;
    if (!FINAL.has(recording.state)) return [tool("close", "Cancel", cancel)];
    const gone = tool("close", "Remove", remove);
    const over = recording.state === "done" || HOPELESS.has(recording.problem?.status);
    return over ? [gone] : [tool("again", "Try again", again), gone];
  }

  #countDown() {
    for (const { recording, about: line } of this.#rows.values()) {
      if (recording.state === "waiting") line.replaceChildren(...about(recording));
    }
  }
}

/** Return what a row says under the name. */
function about(recording) {
  const { state, file, copy, sent, answer, problem, againAt } = recording;
  if (state === "done") {
    const length = make("span", { className: "row-length" }, clock(answer.audio.duration_s));
    const chips = new Set(Object.values(answer.results).map(inShort)); // silence is said once
    return [length, ...[...chips].map((shown) => make("span", { className: "chip" }, shown))];
  }
  const words = {
    queued: `Next in line, ${fileSize(file.size)}`,
    sending: `Sending, ${Math.round(100 * sent)} % of ${fileSize((copy ?? file).size)}`,
    judging: "Listening …",
    copying: "Too large, making a smaller copy …",
    waiting: `${problem?.title ?? "Busy"}; trying again in ${secondsLeft(againAt)} s`,
    failed: problem?.title ?? "Failed",
    cancelled: "Cancelled",
  };
  return [words[state]];
}

const secondsLeft = (againAt) => Math.max(0, Math.ceil((againAt - Date.now()) / 1e3));
