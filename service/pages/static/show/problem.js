/** What went wrong, in a box. */

import { icon, make } from "../dom.js";

/** Return the box that tells of a Problem. */
export function problemBox({ title, detail, requestId }) {
  return make("div", { className: "problem" },
    make("strong", {}, icon("warning"), title),
    make("p", {}, detail),
    requestId && make("p", { className: "note" }, `Request ${requestId}`),
  );
}
