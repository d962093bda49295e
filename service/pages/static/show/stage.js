/** Where a recording is heard and seen: player, pictures and answers on one time axis. */

import { stayAwake } from "../awake.js";
import { make } from "../dom.js";
import { shownAs } from "../music/chords.js";
import { segmentAt } from "../music/timeline.js";
import { decode } from "../sound/decode.js";
import { pictureOf } from "../sound/picture.js";
import { Player } from "../sound/player.js";
import { MOST_BYTES } from "../sound/smaller.js";
import { answerLane } from "./answer-lanes.js";
import { TimeAxis } from "./axis.js";
import { chordLane } from "./chord-lane.js";
import { nowStrip } from "./now.js";
import { rulerLane, soundLanes } from "./sound-lanes.js";
import { playWithSpace, transport } from "./transport.js";

const READING = "Reading the sound …";
const UNPLAYABLE =
  "This browser cannot play this format, so there is nothing to hear; the answers stand.";

/** Shows one recording at a time. */
export class Stage {
  element = make("section", { className: "stage", "aria-label": "Player" });
  #player = new Player();
  #axis;
  #transport;
  #lanes = make("div", { className: "lanes" });
  #cursor = make("div", { className: "cursor" });
  #nowPlace = make("div");
  #note = make("p", { className: "note", role: "status" });
  #legend = make("ul", { className: "legend", "aria-label": "Colours of the bands" });
  #recording = null;
  #opened = 0; // how many were opened, one of them perhaps twice
  #begun = false; // whether its sound is read, or was
  #reading = false;
  #sound = null; // {duration, picture} of the recording, once it is decoded; painted a little later
  #chords = null;
  #now = null;
  #semitones = 0;
  #running = false; // whether a frame is on its way

  constructor() {
    const content = make("div", { className: "axis" }, this.#lanes, this.#cursor);
    const scroller = make("div", {
      className: "scroller", tabIndex: 0, role: "region", "aria-label": "Timeline",
    }, content);
    this.#axis = new TimeAxis(scroller, content, this.#lanes);
    this.#transport = transport(this.#player, this.#axis);
    this.element.append(this.#nowPlace, this.#transport.element, scroller, this.#legend, this.#note);
    this.#player.addEventListener("change", () => this.#changed());
    this.#seekByPointer(content);
    playWithSpace(this.#player);
  }

  /** Show a recording; its answers too, if it has them. */
  open(recording) {
    this.#recording = recording;
    this.#opened += 1;
    this.#sound = null;
    this.#semitones = 0;
    this.#player.load(null);
    this.#begun = this.#reading = false;
    this.answered();
  }

  async #read(file) {
    this.#begun = this.#reading = true;
    const turn = this.#opened;
    const buffer = await decode(file);
    if (this.#opened !== turn) return; // another was opened meanwhile, or this one again
    if (buffer) {
      this.#sound = { duration: buffer.duration, picture: null };
      const at = this.#player.position; // where somebody looked meanwhile
      this.#player.load(buffer);
      this.#player.seek(at);
      this.answered();
      const picture = await pictureOf(buffer);
      if (this.#opened !== turn) return;
      this.#sound.picture = picture;
    }
    this.#reading = false;
    this.answered();
  }

  /** Show nothing. */
  close() {
    this.#recording = null;
    this.#opened += 1;
    this.#player.load(null);
  }

  /** Show the answers that the open recording has by now. */
  answered() {
    const { answer, file } = this.#recording;
    // Each hour takes 1.3 GB when it is decoded, for nothing if the service refuses a large file.
    if (!this.#begun && (answer || file.size < MOST_BYTES)) this.#read(file);
    const results = answer?.results ?? {};
    const timelines = Object.values(results).filter((result) => result.timeline?.length);
    const others = timelines
      .filter(({ task, heard_instead: instead }) => task !== "chord" && !instead)
      .map((result) => answerLane(result));
    this.#chords = results.chord?.timeline?.length ? this.#chordLane(results.chord.timeline) : null;
    const { picture } = this.#sound ?? {};
    const pictures = picture ? soundLanes(picture, this.#duration) : [];
    const ruler = this.#duration > 0 && rulerLane(this.#duration);
    const lanes = [ruler, ...pictures, this.#chords, ...others];
    this.#cursor.hidden = !ruler;
    this.#note.textContent = this.#reading ? READING : this.#sound ? "" : UNPLAYABLE;
    this.element.hidden = !this.#reading && !ruler; // neither sound nor answers
    this.#axis.setLanes(lanes.filter(Boolean), this.#duration);
    this.#now = timelines.length ? nowStrip(results) : null;
    this.#nowPlace.replaceChildren(...(this.#now ? [this.#now.element] : []));
    this.#showLegend(others.flatMap((lane) => lane.legend ?? []));
    this.showShift(this.#semitones);
  }

  /** Show chord names so many semitones higher. */
  showShift(semitones) {
    this.#semitones = semitones;
    this.#chords?.rename(semitones);
    this.#changed();
    this.#axis.redraw();
  }

  get #duration() {
    return this.#sound?.duration ?? this.#recording?.answer?.audio.duration_s ?? 0;
  }

  get #timeline() {
    return this.#recording?.answer?.results.chord?.timeline ?? [];
  }

  /** Which chord goes round; -1 for none. */
  get #loopedIndex() {
    const { loop } = this.#player;
    return loop ? this.#timeline.findIndex(({ start_s }) => start_s === loop.start) : -1;
  }

  #chordLane(timeline) {
    const onLoop = (index) => {
      const { start_s: start, end_s } = timeline[index];
      if (!this.#player.ready) return this.#player.seek(start);
      const looped = this.#player.loop?.start === start;
      const end = Math.min(end_s, this.#player.duration);
      this.#player.setLoop(looped ? null : { start, end });
      if (!looped) this.#player.play();
    };
    return chordLane({ timeline, duration: this.#duration, onLoop });
  }

  #seekByPointer(content) {
    const seek = (event) => {
      if (!event.target.closest("button")) this.#player.seek(this.#axis.secondsAt(event.clientX));
    };
    content.addEventListener("click", seek);
    content.addEventListener("pointermove", (event) => {
      // A finger that moves scrolls; the mouse with its button down drags the cursor along.
      if (event.pointerType === "mouse" && event.buttons === 1) seek(event);
    });
  }

  #showLegend(entries) {
    this.#legend.hidden = entries.length === 0;
    this.#legend.replaceChildren(...entries.map(({ label, colour }) => {
      const sample = make("span", { className: "sample" });
      sample.style.background = colour();
      return make("li", {}, sample, label);
    }));
  }

  #changed() {
    const index = this.#loopedIndex;
    const looped = index < 0 ? null : shownAs(this.#timeline[index], this.#semitones);
    this.#transport.showState(looped);
    this.#tick();
    stayAwake(this.#player, this.#player.playing);
    if (this.#player.playing) this.#run();
  }

  #run() {
    if (this.#running) return;
    this.#running = true;
    const frame = () => {
      this.#running = this.#player.playing;
      if (!this.#running) return;
      this.#tick();
      this.#axis.follow(this.#player.position);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  #tick() {
    const [position, duration] = [this.#player.position, this.#duration];
    this.#transport.refresh(position, duration);
    this.#cursor.style.left = `${(100 * position) / Math.max(duration, 0.01)}%`;
    this.#now?.at(position, this.#semitones);
    this.#chords?.mark({
      now: segmentAt(this.#timeline, position),
      looped: this.#loopedIndex,
    });
  }
}
