/** Open a stream to the service, or tell why there is none. */

import { BASE, Problem, fetchJson } from "../api.js";
import { askForKey, keyOffers } from "../key.js";

const UPGRADE_REQUIRED = 426;
const NOT_THROUGH = new Problem({
  title: "Live listening does not get through",
  detail:
    "The service would take a stream, but none reaches it; a proxy before it may not pass " +
    "WebSockets on. Try again, or tell whoever runs the service.",
});

/** Return an open WebSocket of all tasks; asks for a key where one is needed. Throws a Problem. */
export async function connect(signal) {
  const address = new URL("stream", BASE);
  address.protocol = address.protocol.replace("http", "ws");
  for (;;) {
    signal.throwIfAborted();
    const socket = await opened(new WebSocket(address, keyOffers()), signal);
    if (socket) return socket;
    const why = await whyRefused();
    if (why.status !== 401 || !(await askForKey())) throw why;
  }
}

/** Resolve with the socket once it is open, or with null if it never will be. */
function opened(socket, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      socket.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const settle = (value) => {
      signal.removeEventListener("abort", abort);
      resolve(value);
    };
    socket.onopen = () => settle(socket);
    socket.onclose = () => settle(null);
  });
}

/** Browsers do not tell pages why a WebSocket was refused; the same address tells requests. */
async function whyRefused() {
  try {
    await fetchJson("stream");
    return NOT_THROUGH; // whoever answered so was not the service
  } catch (problem) {
    return problem.status === UPGRADE_REQUIRED ? NOT_THROUGH : problem;
  }
}
