import { randomUUID } from 'node:crypto';
import type { JsonText } from '#runtime/nest/index.ts';
import type { Json } from '../../../domain/domain-error.ts';

/** What stands in an answer for values that are too large to go through a library, which would write them in one go. */
export class LargeValues {
  readonly #values = new Map<string, string | JsonText>();

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** A text that nobody can guess. It stands for the value, as does an object whose only name it is. */
  add(value: string | JsonText): string {
    const mark = randomUUID();
    this.#values.set(mark, value);
    return mark;
  }

  /** The answer with the values in it. */
  in(answer: Json): unknown {
    if (typeof answer === 'string') return this.#values.get(answer) ?? answer;
    if (Array.isArray(answer)) return answer.map((item) => this.in(item as Json));
    if (typeof answer !== 'object' || answer === null) return answer;
    const names = Object.keys(answer);
    const value = names.length === 1 ? this.#values.get(names[0]!) : undefined;
    return value ?? Object.fromEntries(Object.entries(answer).map(([name, item]) => [name, this.in(item as Json)]));
  }
}
