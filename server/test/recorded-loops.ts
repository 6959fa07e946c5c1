import { type WorkerLoop, WorkerLoops } from '../src/domain/worker-loops.ts';

/** Loops that never run by themselves; it is written down who was woken. */
export class RecordedLoops extends WorkerLoops {
  readonly loops = new Map<string, WorkerLoop>();
  readonly woken: string[] = [];

  add(name: string, loop: WorkerLoop): void {
    this.loops.set(name, loop);
  }

  wake(name: string): void {
    this.woken.push(name);
  }
}
