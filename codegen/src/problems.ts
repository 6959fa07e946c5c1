import type { SourceLocation } from './ir/location.ts';

/** Something the author of a contract or configuration has to change. */
export interface Problem {
  /** Stable kebab-case name; the name that `skip` takes for an unsupported feature. */
  readonly code: string;
  readonly message: string;
  readonly location?: Pick<SourceLocation, 'file' | 'line' | 'column'>;
  /** What to do about it. */
  readonly hint?: string;
}

/** Collects problems, so that one run shows all of them. */
export class Problems {
  readonly #list: Problem[] = [];
  readonly #known = new Set<string>();
  readonly #skip: ReadonlySet<string>;
  readonly #skipped = new Map<string, number>();

  constructor(skip: readonly string[] = []) {
    this.#skip = new Set(skip);
  }

  get list(): readonly Problem[] {
    return this.#list;
  }

  /** Features left out because the configuration names them, with the number of places. */
  get skipped(): ReadonlyMap<string, number> {
    return this.#skipped;
  }

  /** A problem that was reported before, because its node is reached by several ways, counts once. */
  add(problem: Problem): void {
    const text = formatProblem(problem);
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.#list.push(problem);
  }

  /** A feature that cannot be expressed: an error unless `skip` names `code`. Returns true when it is to be left out. */
  unsupported(problem: Problem): boolean {
    if (!this.#skip.has(problem.code)) {
      const remedy = `or add '${problem.code}' to "skip" in the configuration to generate without it`;
      this.add({ ...problem, hint: problem.hint ? `${problem.hint}, ${remedy}` : `change the contract, ${remedy}` });
      return false;
    }
    this.#skipped.set(problem.code, (this.#skipped.get(problem.code) ?? 0) + 1);
    return true;
  }

  /** Throws a `GeneratorError` with everything collected so far, if anything. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new GeneratorError(this.#list);
  }
}

/** Ends a run; `problems` is never empty. */
export class GeneratorError extends Error {
  readonly problems: readonly Problem[];

  /** The problems are put in the order of their places. */
  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted(comparePlaces);
    super(sorted.map(formatProblem).join('\n'));
    this.name = 'GeneratorError';
    this.problems = sorted;
  }
}

function comparePlaces({ location: a }: Problem, { location: b }: Problem): number {
  if (!a || !b) return Number(Boolean(a)) - Number(Boolean(b));
  return a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1;
}

/** `spec/x.yaml:12:7 error code: message` and the hint on a line of its own. */
export function formatProblem(problem: Problem): string {
  const { location } = problem;
  const place = location ? `${location.file}:${location.line}:${location.column} ` : '';
  const hint = problem.hint ? `\n  hint: ${problem.hint}` : '';
  return `${place}error ${problem.code}: ${problem.message}${hint}`;
}
