import { DomainError } from '../../domain/domain-error.ts';

/** This process must not be sent requests now: it is starting or stopping, or its database is away. */
export class NotReadyError extends DomainError {
  override readonly code = 'service_unavailable';
  readonly headers = { 'Retry-After': '5' };

  constructor(reason: string) {
    super(`The server cannot answer now: ${reason}. Try again in a few seconds.`);
  }
}
