/** The start page: recordings come in, are sent, listed and shown. */

import { byId } from "./dom.js";
import { LivePanel } from "./live/panel.js";
import { readable } from "./music/chords.js";
import { doubtful } from "./music/said.js";
import { RecordingView } from "./show/recording-view.js";
import { exampleFile } from "./sound/example.js";
import { recordWith } from "./sound/recorder.js";
import { History } from "./upload/history.js";
import { takeFiles } from "./upload/intake.js";
import { UploadQueue } from "./upload/queue.js";
import { taskWords } from "./words.js";

const queue = new UploadQueue();
const view = new RecordingView(byId("recording"), {
  hearBeginning: (recording, seconds) => queue.again(recording, seconds),
});
const recordings = [];
const history = new History(byId("history"), {
  open,
  cancel: (recording) => queue.cancel(recording),
  again: (recording) => queue.again(recording),
  remove,
});
const live = new LivePanel(byId("live-panel"), {
  announce,
  onClose: () => {
    layOut();
    byId("live").focus();
  },
});

queue.addEventListener("change", ({ detail: recording }) => {
  history.show(recording);
  view.update(recording);
  announceRecording(recording);
});

function take(files) {
  for (const file of files) recordings.push(queue.add(file));
  open(recordings.at(-1)); // the newest; answers to older ones only fill their rows
}

function open(recording) {
  layOut();
  if (view.recording !== recording) view.open(recording);
  history.mark(recording);
}

function remove(recording) {
  recordings.splice(recordings.indexOf(recording), 1);
  history.remove(recording);
  if (view.recording !== recording) return;
  if (recordings.length > 0) {
    open(recordings.at(-1));
    return;
  }
  view.close();
  layOut();
  byId("file").focus();
}

/** Give room to what there is: recordings, live listening, or an invitation to both. */
function layOut() {
  document.body.classList.toggle("started", recordings.length > 0 || live.open);
  byId("history-place").hidden = recordings.length === 0;
}

/** Tell something to those who do not see the page. */
function announce(text) {
  byId("announcement").textContent = text;
}

/** Tell them what became of a recording. */
function announceRecording({ name, state, answer, problem }) {
  const told = {
    done: () => `${name}: ${[...new Set(Object.values(answer.results).map(inWords))].join(", ")}`,
    failed: () => `${name}: ${problem.title}. ${problem.detail}`,
    cancelled: () => `${name}: cancelled`,
    waiting: () => `${name}: ${problem.title}, it will be tried again`,
  }[state];
  if (told) announce(told());
}

function inWords(result) {
  const { task, label, heard_instead: instead } = result;
  if (instead) return `${instead} instead of music`;
  return `${taskWords(task).title} ${readable(label)}${doubtful(result) ? ", uncertain" : ""}`;
}

takeFiles({ input: byId("file"), take });
recordWith({
  button: byId("record"),
  label: byId("record-label"),
  meter: byId("record-level"),
  status: byId("record-status"),
  take,
});
byId("live").addEventListener("click", () => {
  live.start();
  layOut();
});
byId("example").addEventListener("click", () => take([exampleFile()]));
