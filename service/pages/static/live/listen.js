/** From the microphone to the service, and its answers back. */

import { Problem } from "../api.js";
import { openMicrophone } from "../sound/microphone.js";
import { levelOf } from "../sound/level.js";
import { connect } from "./connect.js";
import { Conversation } from "./conversation.js";

const UNPLUGGED = new Problem({
  title: "The microphone is gone",
  detail: "It was unplugged, or is not allowed any more. Connect or allow it, then listen again.",
});

/**
 * Listen until `signal` says stop, and return once the last answer has come.
 *
 * `onStart` is called once sound is on its way, `onLevel` with each block's level, `onAnswer` with
 * each answer. Throws a Problem, or the signal's reason if it came before there was a stream.
 */
export async function listen({ signal, onStart, onLevel, onAnswer }) {
  let conversation = null;
  let unplugged = false;
  const onBlock = (block) => {
    onLevel(levelOf(block));
    conversation?.send(block);
  };
  const onLost = () => {
    unplugged = true;
    conversation?.end();
  };
  const microphone = await hear(onBlock, onLost, signal);
  const stop = () => {
    conversation?.end();
    microphone.stop(); // at once, so that the browser does not show it in use any longer
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    conversation = new Conversation(await connect(signal), microphone.sampleRateHz, onAnswer);
    onStart();
    if (unplugged) conversation.end();
    await conversation.over;
  } finally {
    signal.removeEventListener("abort", stop);
    await microphone.stop();
  }
  if (unplugged) throw UNPLUGGED;
}

/** Open the microphone; a stop while the browser still asks for it closes it again. */
async function hear(onBlock, onLost, signal) {
  const opening = openMicrophone(onBlock, onLost);
  const stopped = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([opening, stopped]);
  } catch (error) {
    if (!signal.aborted) throw error instanceof Problem ? error : noMicrophone(error);
    opening.then((microphone) => microphone.stop()).catch(() => {}); // nobody waits for it any more
    throw error;
  }
}

const noMicrophone = ({ message }) => new Problem({ title: "No microphone", detail: message });
