import type { Frame } from './frame.ts';
import type { NodeRun } from './node-run.ts';

/** The frames of one execution that are not over: that of the workflow itself, and those of bodies. */
export class OpenFrames {
  readonly #frames = new Set<Frame>();
  /** Frames of bodies that may be over. */
  readonly #touched = new Set<Frame>();

  add(frame: Frame): void {
    this.#frames.add(frame);
    this.touch(frame);
  }

  delete(frame: Frame): void {
    this.#frames.delete(frame);
  }

  /** Something has ended in the frame. */
  touch(frame: Frame): void {
    if (frame.owner) this.#touched.add(frame);
  }

  /** An open frame that was touched since it was taken last. */
  takeTouched(): Frame | undefined {
    for (const frame of this.#touched) {
      this.#touched.delete(frame);
      if (this.#frames.has(frame)) return frame;
    }
    return undefined;
  }

  /** Removes the frames of bodies of this node. */
  takeInside(run: NodeRun): Frame[] {
    const inside = [...this.#frames].filter(({ owner }) => owner?.run === run);
    for (const frame of inside) this.#frames.delete(frame);
    return inside;
  }

  get hasReady(): boolean {
    return [...this.#frames].some(({ ready }) => ready.size > 0);
  }

  /** Of the nodes that may begin, the first in the order of paths. */
  firstReady(): { frame: Frame; id: string } | undefined {
    let first: { frame: Frame; id: string; path: string } | undefined;
    for (const frame of this.#frames) {
      for (const id of frame.ready) {
        const path = frame.pathOf(id);
        if (!first || path < first.path) first = { frame, id, path };
      }
    }
    return first;
  }

  /** Nodes at work. */
  get active(): NodeRun[] {
    return [...this.#frames].flatMap((frame) => [...frame.active.values()]);
  }
}
