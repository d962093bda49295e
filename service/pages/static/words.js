/** What the service's answers mean, in words for people. */

const TASKS = {
  genre: { title: "Genre", question: "How good is the genre model?" },
  chord: { title: "Chords", question: "How good is the chord model?" },
  emotion: { title: "Mood", question: "How good is the mood model?" },
};

const WARNINGS = {
  truncated: [
    "The file is cut off",
    "It ends before the length that its header states; only what is there was judged.",
  ],
  damaged: [
    "Parts of the file are damaged",
    "What could not be decoded was left out; the rest was judged.",
  ],
  level: [
    "Samples out of range",
    "A file of floating point numbers holds integers. They were scaled to what was probably meant.",
  ],
  no_music: [
    "This does not sound like music",
    "Genre and mood are learned from music; of other sounds there is none to tell.",
  ],
  silent: ["Nothing to hear", "There is no audible sound, so there is nothing to tell."],
  quiet: [
    "Very quiet",
    "Even its loudest moment is faint, so noise may be judged instead of the music.",
  ],
  clipped: [
    "Too loud when it was recorded",
    "Many peaks are cut off, which sounds harsh and can pass for distortion. Record softer.",
  ],
  dc_offset: [
    "Off centre",
    "The waveform does not swing around zero, often the fault of a cheap sound card.",
  ],
  phase: [
    "Left and right cancel each other",
    "Mixed to one channel they would be silent, so only the loudest one was judged.",
  ],
  short: ["Very short", "Longer recordings are judged better; a few seconds are enough."],
  low_sample_rate: [
    "Few high tones",
    "The recording has a low sampling rate, so treble that tells styles apart is missing.",
  ],
};

/** Why an answer is flagged as uncertain. */
export const UNCERTAIN =
  "The model is less sure here than for nine in ten of the recordings it was checked on, or hears " +
  "too little to tell. Take the answer as a guess.";

/** Why there is no answer about what is no music. */
export const ONLY_GUESSED = "The model has learned from music, so it could only guess here.";

/** Why a whole song has no single chord. */
export const MANY_CHORDS = "Several chords sound, so none of them stands for the whole.";

/** Where to see them, of a recording. */
export const FOLLOW_CHORDS = "Follow them in the player as they pass.";

/** What it means that no chord sounds. */
export const NO_CHORD_MEANING =
  "No chord: silence, speech, drums, a single note, or a sound that the model knows no name for.";

/** What the rating of energy means. */
export const ENERGY =
  "How calm or energetic listeners would find it: 0 % is the calmest music they rated, 100 % the " +
  "most energetic. It says nothing about happy or sad.";

/** Say how far from concert pitch a recording is tuned. */
export function tuningWords(cents) {
  const whole = Math.abs(Math.round(cents));
  if (whole === 0) return "Tuned to A = 440 Hz.";
  return `Tuned ${whole} ${whole === 1 ? "cent" : "cents"} ${cents > 0 ? "above" : "below"} A = 440 Hz.`;
}

/** Return the title of a task, and the question that its card answers. */
export function taskWords(task) {
  const title = task[0].toUpperCase() + task.slice(1).replaceAll("_", " ");
  return TASKS[task] ?? { title, question: `How good is the ${task} model?` };
}

/** Return title and explanation of an audio warning, which begins with its code and a colon. */
export function warningWords(warning) {
  const [code, ...rest] = warning.split(":");
  const [title, meaning] = WARNINGS[code] ?? [sentence(code), sentence(rest.join(":").trim())];
  return { code, title, meaning };
}

/** Return a share as whole percent; what is small but there is not shown as nothing. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(100 * share)} %`;
}

/** Return seconds as minutes and seconds, like 3:07; with tenths when asked for. */
export function clock(seconds, { tenths = false } = {}) {
  const unit = tenths ? 10 : 1;
  const whole = tenths ? Math.floor(seconds * unit) : Math.round(seconds);
  const minutes = Math.floor(whole / unit / 60);
  const rest = (whole - minutes * 60 * unit) / unit;
  return `${minutes}:${rest.toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0")}`;
}

/** Return the size of a file in the unit that reads best. */
export function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const sentence = (text) => text && text[0].toUpperCase() + text.slice(1).replaceAll("_", " ");
