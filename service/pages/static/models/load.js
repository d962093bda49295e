/** Get JSON for a page of its own, and ask for the key or tell of a problem where there is one. */

import { fetchJson } from "../api.js";
import { askForKey } from "../key.js";
import { problemBox } from "../show/problem.js";

/** Fetch from the service and fill a place with what `show` makes of it. */
export async function load(path, place, show) {
  for (;;) {
    try {
      place.replaceChildren(...show(await fetchJson(path)));
      break;
    } catch (problem) {
      if (problem.status === 401 && (await askForKey())) continue;
      if (problem.title === undefined) throw problem;
      const box = problemBox(problem);
      box.setAttribute("role", "alert");
      place.replaceChildren(box);
      break;
    }
  }
  place.removeAttribute("aria-busy");
}
