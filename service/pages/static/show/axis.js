/** The time axis that everything under the player shares: how much of it shows, and which part. */

const MOST_PX_PER_SECOND = 200;
const FOLLOW_FROM = 0.9; // of the width: when the cursor passes it, the next page is shown
const FOLLOW_TO = 0.1;

/**
 * Lays a wide content into a scroller; the lanes in the content's `place` are told to draw what
 * shows of it.
 */
export class TimeAxis {
  #scroller;
  #content;
  #place;
  #lanes = [];
  #duration = 1;
  #zoom = 1; // 1 shows the whole
  #pending = false;

  constructor(scroller, content, place) {
    this.#scroller = scroller;
    this.#content = content;
    this.#place = place;
    scroller.addEventListener("scroll", () => this.redraw());
    new ResizeObserver(() => this.#layOut()).observe(scroller);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** Forget all lanes and begin with those of another recording. */
  setLanes(lanes, duration) {
    this.#lanes = lanes;
    if (duration !== this.#duration) this.#zoom = 1;
    this.#duration = Math.max(duration, 0.01);
    this.#place.replaceChildren(...lanes.map((lane) => lane.element));
    this.#layOut();
  }

  /** What shows: `{start, end, width, pxPerSecond}` in seconds and CSS pixels. */
  get view() {
    const width = this.#scroller.clientWidth;
    const pxPerSecond = (width * this.#zoom) / this.#duration;
    const start = this.#scroller.scrollLeft / pxPerSecond;
    return { start, end: start + width / pxPerSecond, width, pxPerSecond };
  }

  get zoomed() {
    return this.#zoom > 1;
  }

  get canZoomIn() {
    return this.view.pxPerSecond < MOST_PX_PER_SECOND;
  }

  /** Show a part that is so many times shorter, around a time; never more than the whole. */
  zoomBy(factor, around) {
    const most = Math.max(1, (MOST_PX_PER_SECOND * this.#duration) / this.view.width);
    this.#zoom = Math.max(1, Math.min(most, this.#zoom * factor));
    this.#layOut();
    this.#scroller.scrollLeft = around * this.view.pxPerSecond - this.view.width / 2;
  }

  /** Show the whole. */
  fit() {
    this.zoomBy(0, 0);
  }

  /** Return the time under a point of the window. */
  secondsAt(clientX) {
    const left = this.#content.getBoundingClientRect().left;
    return Math.max(0, Math.min(this.#duration, (clientX - left) / this.view.pxPerSecond));
  }

  /** Turn the page when a time is not, or hardly, in view. */
  follow(seconds) {
    if (!this.zoomed) return;
    const { start, end, width, pxPerSecond } = this.view;
    if (seconds >= start && seconds <= start + FOLLOW_FROM * (end - start)) return;
    this.#scroller.scrollLeft = seconds * pxPerSecond - FOLLOW_TO * width;
  }

  /** Draw all lanes with the next frame. */
  redraw() {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      const view = this.view;
      for (const lane of this.#lanes) lane.draw(view);
    });
  }

  #layOut() {
    this.#content.style.width = `${100 * this.#zoom}%`;
    this.redraw();
  }
}
