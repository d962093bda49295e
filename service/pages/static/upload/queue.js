/** Recordings on their way to the service and back: a few at a time, and again when it is busy. */

import { classify } from "../api.js";
import { askForKey } from "../key.js";
import { smallerCopy } from "../sound/smaller.js";

const AT_ONCE = 2;
const TRIES = 10;
const TOO_LARGE = "too-many-bytes";

/**
 * Sends recordings, each on its own: an answer belongs to its recording, however late it comes.
 *
 * Dispatches `change` events, whose `detail` is the recording that changed:
 * `{id, name, file, copy, beginningS, state, sent, againAt, answer, problem}`. The copy is what is sent
 * instead of a file that is too large. A state is `queued`, `sending`, `judging`, `copying` or `waiting`,
 * and then `done`, `failed` or `cancelled`, until it is tried again.
 */
export class UploadQueue extends EventTarget {
  #waiting = [];
  #running = 0;
  #ids = 0;

  /** Take a file and return its recording. */
  add(file) {
    const recording = { id: ++this.#ids, name: file.name, file, copy: null, beginningS: null, answer: null };
    this.#enqueue(recording);
    return recording;
  }

  /** Send a recording again that failed or was cancelled, or have only its first seconds heard. */
  again(recording, beginningS = recording.beginningS) {
    recording.beginningS = beginningS;
    this.#enqueue(recording);
  }

  /** Stop what is done for a recording, wherever it is. */
  cancel(recording) {
    recording.abort.abort();
    this.#waiting = this.#waiting.filter((other) => other !== recording);
    this.#set(recording, { state: "cancelled" });
  }

  #enqueue(recording) {
    recording.abort = new AbortController();
    this.#set(recording, { state: "queued", sent: 0, problem: null, againAt: null });
    this.#waiting.push(recording);
    this.#next();
  }

  async #next() {
    if (this.#running >= AT_ONCE || this.#waiting.length === 0) return;
    const recording = this.#waiting.pop(); // the newest, which is the one that is open
    this.#running += 1;
    try {
      await this.#judge(recording, recording.abort.signal);
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  async #judge(recording, signal) {
    try {
      const answer = await this.#answer(recording, signal);
      if (!signal.aborted) this.#set(recording, { state: "done", answer });
    } catch (problem) {
      if (!signal.aborted) this.#set(recording, { state: "failed", problem });
    }
  }

  async #answer(recording, signal) {
    for (let tries = 1; ; tries += 1) {
      this.#set(recording, { state: "sending", sent: 0, problem: null, againAt: null });
      try {
        return await classify(recording.copy ?? recording.file, {
          name: recording.name,
          signal,
          beginningS: recording.beginningS,
          onProgress: (sent) => this.#progress(recording, signal, sent),
        });
      } catch (problem) {
        if (signal.aborted) throw problem;
        if (problem.status === 401 && (await askForKey())) continue;
        if (problem.kind === TOO_LARGE && (await this.#copied(recording, signal))) continue;
        if (problem.retryAfterS === null || tries >= TRIES) throw problem;
        await this.#pause(recording, signal, problem);
      }
    }
  }

  /** Make a smaller copy to be sent instead, and tell whether there is one now. */
  async #copied(recording, signal) {
    if (recording.copy) return false;
    this.#set(recording, { state: "copying" });
    const copy = await smallerCopy(recording.file);
    signal.throwIfAborted();
    recording.copy = copy;
    return copy !== null;
  }

  #progress(recording, signal, sent) {
    if (!signal.aborted) this.#set(recording, { state: sent < 1 ? "sending" : "judging", sent });
  }

  async #pause(recording, signal, problem) {
    const ms = 1e3 * problem.retryAfterS;
    this.#set(recording, { state: "waiting", problem, againAt: Date.now() + ms });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
    });
    signal.throwIfAborted();
  }

  #set(recording, changes) {
    Object.assign(recording, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: recording }));
  }
}
