/** Ways for files to come in: chosen, dropped anywhere on the page, or pasted. */

/** Call `take` with the files that come in together, by any of the ways. */
export function takeFiles({ input, take }) {
  const takeAll = (list) => list?.length && take([...list]);
  input.addEventListener("change", () => {
    takeAll(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", (event) => takeAll(event.clipboardData?.files));
  let depth = 0; // of elements that the drag has entered and not left
  const shade = () => document.body.classList.toggle("dragging", depth > 0);
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    shade();
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    shade();
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    depth = 0;
    shade();
    if (!carriesFiles(event)) return;
    event.preventDefault();
    takeAll(event.dataTransfer.files);
  });
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
