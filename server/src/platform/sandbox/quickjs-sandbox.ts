import { availableParallelism } from 'node:os';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Sandbox, type SandboxOutcome, type SandboxTask } from '../../domain/language/sandbox.ts';
import { Lane } from './lane.ts';

/**
 * The sandbox on QuickJS in threads that can be ended. Programs, schemas and YAML have threads of
 * their own, so they never delay expressions.
 */
@Injectable()
export class QuickJsSandbox extends Sandbox implements OnApplicationShutdown {
  readonly #lanes: Record<SandboxTask['kind'], Lane>;

  constructor() {
    super();
    const size = Math.min(4, Math.max(1, availableParallelism() - 1));
    this.#lanes = {
      expression: new Lane('worker', size, 32),
      program: new Lane('worker', Math.max(2, size), 1),
      schema: new Lane('document-worker', 1, 32),
      yaml: new Lane('document-worker', 1, 1),
    };
  }

  override run(tasks: readonly SandboxTask[]): Promise<SandboxOutcome[]> {
    return Promise.all(tasks.map((task) => this.#lanes[task.kind].run(task)));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Ends all threads; what has not been answered fails as `unavailable`. */
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.stop()));
  }
}
