import { ValidationFailedError } from '../domain-error.ts';
import { fieldPath } from '../language/index.ts';
import type { AnswerProblem } from './check-answers.ts';

/** The answers do not satisfy the form; `problems` has each with the name of its field. */
export class AnswersRefusedError extends ValidationFailedError {
  readonly problems: readonly AnswerProblem[];

  constructor(problems: readonly AnswerProblem[]) {
    super(
      'The form is not filled in as it asks.',
      problems.map(({ field, message }) => ({ field: fieldPath(['data', field]), message, location: 'body' })),
    );
    this.problems = problems;
  }
}
