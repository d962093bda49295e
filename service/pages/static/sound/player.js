/** Play an AudioBuffer: seek to the sample, and go round a stretch without a gap. */

/** Dispatches `change` when it starts, stops, jumps or gets another loop. */
export class Player extends EventTarget {
  #context = null;
  #source = null;
  #buffer = null;
  #offset = 0; // in the recording, when it stood still last
  #startedAt = 0; // on the context's clock
  #loop = null;

  /** Take another recording; null for none. */
  load(buffer) {
    this.#halt();
    this.#buffer = buffer;
    this.#offset = 0;
    this.#loop = null;
    this.#changed();
  }

  get ready() {
    return this.#buffer !== null;
  }

  get playing() {
    return this.#source !== null;
  }

  get duration() {
    return this.#buffer?.duration ?? 0;
  }

  /** The stretch that it goes round, `{start, end}` in seconds, or null. */
  get loop() {
    return this.#loop;
  }

  /** What is heard now, in seconds. */
  get position() {
    if (!this.playing) return this.#offset;
    const late = this.#context.outputLatency || 0; // what was computed is heard a moment later
    const heard = this.#context.currentTime - late - this.#startedAt;
    const at = this.#offset + Math.max(0, heard);
    if (!this.#loop || at < this.#loop.end) return Math.min(at, this.duration);
    const { start, end } = this.#loop;
    return start + ((at - start) % (end - start));
  }

  async play() {
    if (!this.ready || this.playing) return;
    this.#context ??= newContext();
    await this.#context.resume();
    if (this.playing) return; // asked twice while the sound card woke up
    if (this.#offset >= this.duration - 0.05) this.#offset = 0;
    this.#start();
    this.#changed();
  }

  pause() {
    if (!this.playing) return;
    this.#offset = this.position;
    this.#halt();
    this.#changed();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  /** Go to a time; leaves the loop when it lies outside. Where there is no sound, any may be shown. */
  seek(seconds) {
    const wasPlaying = this.playing;
    this.#halt();
    this.#offset = Math.max(0, this.ready ? Math.min(seconds, this.duration) : seconds);
    if (this.#loop && (seconds < this.#loop.start || seconds >= this.#loop.end)) this.#loop = null;
    if (wasPlaying) this.#start();
    this.#changed();
  }

  /** Go round a stretch, from its start; null to play on. */
  setLoop(loop) {
    const at = this.position;
    const wasPlaying = this.playing;
    this.#halt();
    this.#loop = loop;
    this.#offset = loop ? loop.start : at;
    if (wasPlaying) this.#start();
    this.#changed();
  }

  #start() {
    const source = new AudioBufferSourceNode(this.#context, { buffer: this.#buffer });
    if (this.#loop) {
      Object.assign(source, { loop: true, loopStart: this.#loop.start, loopEnd: this.#loop.end });
    }
    source.connect(this.#context.destination);
    source.onended = () => {
      if (this.#source !== source) return; // it was stopped, not played to its end
      this.#offset = this.duration;
      this.#source = null;
      this.#changed();
    };
    this.#startedAt = this.#context.currentTime;
    source.start(0, this.#offset);
    this.#source = source;
  }

  #halt() {
    const source = this.#source;
    this.#source = null;
    source?.stop();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function newContext() {
  // Phones that are muted for calls still play music, where the browser can be told what it is.
  if (navigator.audioSession) navigator.audioSession.type = "playback";
  return new AudioContext();
}
