/** The service's public API, as the pages use it. */

import { keyHeaders } from "./key.js";

/** Where the service begins, whatever path a proxy offers it under: this file is in `static/`. */
export const BASE = new URL("..", import.meta.url).href;

/** What went wrong, in the words of the service or, where none came from it, in ours. */
export class Problem extends Error {
  constructor({ title, detail, type = "", status = 0, requestId = "", retryAfterS = null }) {
    super(detail);
    Object.assign(this, { title, detail, kind: type.split("/").at(-1), status, requestId, retryAfterS });
  }
}

/** Fetch JSON from the service, like `fetchJson("models/genre")`. */
export async function fetchJson(path) {
  let response;
  try {
    response = await fetch(BASE + path, {
      headers: { Accept: "application/json", ...keyHeaders() },
    });
  } catch {
    throw unreachable();
  }
  const text = await response.text();
  return answerOf(response.status, text, (name) => response.headers.get(name));
}

/**
 * Send a recording and return the answers of all tasks, with their timelines.
 *
 * `onProgress` is told the share that was sent, 0 to 1; `beginningS` asks for so many seconds of it
 * only. The request is made with XMLHttpRequest,
 * because fetch does not tell how much of a body has been sent.
 */
export function classify(file, { name, signal, onProgress, beginningS = null }) {
  const form = new FormData();
  form.append("file", file, name);
  const request = new XMLHttpRequest();
  request.open("POST", BASE + question(beginningS));
  for (const [header, value] of Object.entries(keyHeaders())) {
    request.setRequestHeader(header, value);
  }
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.upload.onload = () => onProgress(1);
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onerror = async () => reject((await canBeRead(file)) ? unreachable() : unreadable());
    request.onload = () => {
      try {
        const header = (field) => request.getResponseHeader(field);
        resolve(answerOf(request.status, request.responseText, header));
      } catch (problem) {
        reject(problem);
      }
    };
    request.send(form);
  });
}

/** Return the path and query that ask about a recording, or only about its first seconds. */
export function question(beginningS = null) {
  return `classify?timeline=true${beginningS ? `&duration_s=${beginningS}` : ""}`;
}

/** Return the JSON of an answer, or throw the Problem that it tells of. */
export function answerOf(status, text, header) {
  const body = parsed(text);
  if (status >= 200 && status < 300 && body) return body;
  const retryAfterS = secondsUntil(header("Retry-After"));
  if (body?.title && body?.detail) {
    throw new Problem({ ...body, status, requestId: body.request_id, retryAfterS });
  }
  throw new Problem({
    title: "Something between you and the service answered instead of it",
    detail: `${fromProxy(status)} Its answer was HTTP ${status} and no JSON.`,
    status,
    retryAfterS,
  });
}

/** Return the seconds that a Retry-After header asks for, which may also name a date; or null. */
export function secondsUntil(header) {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const then = Date.parse(header);
  return Number.isNaN(then) ? null : Math.max(0, Math.ceil((then - Date.now()) / 1000));
}

function parsed(text) {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" ? body : null;
  } catch {
    return null;
  }
}

function fromProxy(status) {
  if (status === 413) return "A proxy refused the file because it is too large for it.";
  if (status === 502 || status === 503) return "A proxy could not reach the service.";
  if (status === 504) return "A proxy did not wait long enough for the service.";
  return "A proxy, or another server, may stand before the service.";
}

/** Tell whether the browser still gets at a file, which it asks for only when it sends it. */
function canBeRead(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

function unreadable() {
  return new Problem({
    title: "The file cannot be read",
    detail: "It is a folder, or was moved or changed since. Choose the files themselves, once more.",
  });
}

/** Return the Problem of a service from which nothing comes. */
export function unreachable() {
  return new Problem({
    title: "The service cannot be reached",
    detail: "Check your connection, and whether the service is running, then try again.",
  });
}
