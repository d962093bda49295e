/** The record button: from the microphone to a WAV file, with a level while it runs. */

import { levelOf } from "./level.js";
import { openMicrophone } from "./microphone.js";
import { wavFile } from "./wav.js";
import { clock } from "../words.js";

const LONGEST_S = 600;
const GONE =
  "The microphone is gone: it was unplugged, or is not allowed any more. What it heard before was taken.";

/** Make a button record until it is pressed again; `take` gets its file. */
export function recordWith({ button, label, meter, status, take }) {
  let open = null;

  async function start() {
    const blocks = [];
    let samples = 0;
    button.disabled = true;
    try {
      const onBlock = (block) => {
        if (!open) return;
        blocks.push(block);
        samples += block.length;
        meter.value = levelOf(block);
        label.textContent = `Stop, ${clock(samples / open.sampleRateHz)}`;
        if (samples / open.sampleRateHz >= LONGEST_S) stop();
      };
      const microphone = await openMicrophone(onBlock, lost);
      open = { blocks, ...microphone };
      status.textContent = "";
      show(true);
    } catch (error) {
      status.textContent = error.message;
    }
    button.disabled = false;
  }

  async function stop() {
    const { blocks, sampleRateHz, stop: close } = open;
    open = null;
    show(false);
    await close();
    if (blocks.length === 0) {
      status.textContent = "Nothing was recorded; hold on a little longer.";
      return;
    }
    const time = new Date().toLocaleTimeString([], { timeStyle: "medium" }).replaceAll(":", ".");
    const options = { type: "audio/wav" };
    take([new File([wavFile(blocks, sampleRateHz)], `Recording ${time}.wav`, options)]);
  }

  async function lost() {
    if (!open) return;
    await stop();
    status.textContent = GONE;
  }

  function show(recording) {
    button.classList.toggle("at-work", recording);
    meter.hidden = !recording;
    label.textContent = recording ? "Stop" : "Record";
  }

  button.addEventListener("click", () => (open ? stop() : start()));
}
