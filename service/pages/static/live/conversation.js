/** What is said over an open stream; `service/streaming/README.md` tells the protocol. */

import { Problem } from "../api.js";
import { SAMPLE_BYTES, pcm16 } from "../sound/pcm.js";

const NORMAL = 1000;
const PATIENCE_MS = 15_000; // for the last answer
const MOST_WAITING_S = 10; // of sound that the network has not taken yet
const LONGEST_PAUSE_MS = 5_000; // between two blocks of a microphone that works

const TITLES = {
  1008: "The service ended the stream",
  1011: "The service failed",
  1012: "The service is being restarted",
};
const LOST = "The connection is lost. Check yours, and whether the service is running, then listen again.";
const HUSHED =
  "It sent no sound for a while, as when a phone is locked or a call comes in. Listen again.";
const TOO_SLOW = "Your network sends the sound slower than it comes. Try again over a faster one.";
const NO_LAST = "The last answer did not come. What was heard before stands.";

/** Talks with the service over a WebSocket that is open. */
export class Conversation {
  #socket;
  #mostWaitingBytes;
  #timer = null;
  #sentAt = Date.now();
  #fail;

  /** Resolves when the service has said all that was asked for; rejects with a Problem. */
  over;

  constructor(socket, sampleRateHz, onAnswer) {
    this.#socket = socket;
    this.#mostWaitingBytes = MOST_WAITING_S * sampleRateHz * SAMPLE_BYTES;
    this.over = new Promise((resolve, reject) => {
      this.#fail = (title, detail) => {
        reject(new Problem({ title, detail }));
        socket.onmessage = null; // nobody waits for what is still on its way
        socket.close();
      };
      socket.onmessage = ({ data }) => onAnswer(JSON.parse(data));
      socket.onclose = ({ code, reason }) => {
        clearTimeout(this.#timer);
        if (code === NORMAL) resolve();
        else if (this.#hushed) this.#fail("The microphone stopped", HUSHED);
        else this.#fail(TITLES[code] ?? "The stream broke off", reason || LOST);
      };
    });
    socket.send(JSON.stringify({ sample_rate_hz: sampleRateHz, channels: 1, encoding: "pcm_s16le" }));
  }

  get #hushed() {
    return !this.#timer && Date.now() - this.#sentAt > LONGEST_PAUSE_MS;
  }

  /** Send a block of samples between -1 and 1. */
  send(block) {
    this.#sentAt = Date.now();
    if (this.#socket.readyState !== WebSocket.OPEN || this.#timer) return;
    if (this.#socket.bufferedAmount > this.#mostWaitingBytes) {
      this.#fail("The network is too slow", TOO_SLOW);
      return;
    }
    this.#socket.send(pcm16(block));
  }

  /** Ask for the last answer. */
  end() {
    if (this.#socket.readyState !== WebSocket.OPEN || this.#timer) return;
    this.#timer = setTimeout(() => this.#fail("The service does not answer", NO_LAST), PATIENCE_MS);
    this.#socket.send(JSON.stringify({ end: true }));
  }
}
