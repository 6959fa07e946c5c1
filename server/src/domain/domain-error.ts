/** JSON as it is stored and sent: what every workflow value, detail and event payload is made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * A refusal that the caller can act on. It carries a stable `code` of the contract's error catalogue and no status: the
 * operation that was called declares which status the code travels under.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  readonly details: Record<string, Json | undefined>;

  constructor(message: string, details: Record<string, Json | undefined> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.details = details;
  }
}

/** Characters of an id that are told again. */
const longestId = 128;

/** Nothing with this id in the caller's organisation; another organisation's id looks the same. */
export class ResourceNotFoundError extends DomainError {
  override readonly code = 'resource_not_found';

  /** An id may be any text that somebody sent; of a long one the beginning is told. */
  constructor(resource: string, given: string) {
    const id = given.length > longestId ? `${given.slice(0, longestId - 1).toWellFormed()}…` : given;
    super(
      `No ${resource.replaceAll('_', ' ')} with id ${id}. Check the id, and that it belongs to this organisation.`,
      {
        resource,
        id,
      },
    );
  }
}

/** One thing wrong with what the caller sent. */
export interface Problem {
  /** Path to the value, for example `nodes[2].params.url`. */
  field: string;
  message: string;
  /** Which part of the request it is in. */
  location: 'body' | 'query' | 'path' | 'header';
}

/** The input is well-formed for the contract but wrong in the domain; lists every problem found. */
export class ValidationFailedError extends DomainError {
  override readonly code = 'validation_error';

  constructor(message: string, problems: readonly Problem[]) {
    super(message, { errors: problems.map((problem) => ({ ...problem })) });
  }
}
