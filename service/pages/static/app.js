/** The start page: recordings come in, are sent, listed and shown. */

import { byId } from "./dom.js";
import { readable } from "./music/chords.js";
import { doubtful } from "./music/timeline.js";
import { RecordingView } from "./show/recording-view.js";
import { exampleFile } from "./sound/example.js";
import { recordWith } from "./sound/recorder.js";
import { History } from "./upload/history.js";
import { takeFiles } from "./upload/intake.js";
import { UploadQueue } from "./upload/queue.js";
import { taskWords } from "./words.js";

const queue = new UploadQueue();
const view = new RecordingView(byId("recording"));
const recordings = [];
const history = new History(byId("history"), {
  open,
  cancel: (recording) => queue.cancel(recording),
  again: (recording) => queue.again(recording),
  remove,
});

queue.addEventListener("change", ({ detail: recording }) => {
  history.show(recording);
  view.update(recording);
  announce(recording);
});

function take(files) {
  for (const file of files) recordings.push(queue.add(file));
  open(recordings.at(-1)); // the newest; answers to older ones only fill their rows
}

function open(recording) {
  document.body.classList.add("started");
  byId("history-place").hidden = false;
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
  document.body.classList.remove("started");
  byId("history-place").hidden = true;
  byId("file").focus();
}

/** Tell those who do not see the page what has changed. */
function announce({ name, state, answer, problem }) {
  const told = {
    done: () => `${name}: ${Object.values(answer.results).map(inWords).join(", ")}`,
    failed: () => `${name}: ${problem.title}. ${problem.detail}`,
    cancelled: () => `${name}: cancelled`,
    waiting: () => `${name}: ${problem.title}, it will be tried again`,
  }[state];
  if (told) byId("announcement").textContent = told();
}

function inWords(result) {
  const { task, label } = result;
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
byId("example").addEventListener("click", () => take([exampleFile()]));
