import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a ticket says about the page that it was sent with. */
export type TicketState =
  { readonly state: 'good'; readonly nonce: string } | { readonly state: 'invalid' | 'early' | 'late' };

const longestMs = 24 * 60 * 60 * 1_000;

/**
 * A ticket names one showing of a page and when that was: no program can make one up, send one sooner than a person
 * types, or use one for a second submission. It is signed rather than stored, so that showing a page writes nothing.
 */
export class PageTickets {
  readonly #key: Buffer;
  readonly #leastMs: number;

  /** `leastSeconds` is how long a person takes at least. */
  constructor(secret: string, leastSeconds: number) {
    this.#key = createHmac('sha256', secret).update('form page tickets').digest();
    this.#leastMs = leastSeconds * 1_000;
  }

  issue(formId: string, now = Date.now()): string {
    const body = `${now.toString(36)}.${randomBytes(12).toString('base64url')}`;
    return `${body}.${this.#sign(formId, body)}`;
  }

  read(formId: string, ticket: string, now = Date.now()): TicketState {
    const match = /^(([0-9a-z]{1,12})\.([\w-]{16}))\.([\w-]{43})$/.exec(ticket);
    if (!match) return { state: 'invalid' };
    const [, body, issued, nonce, signature] = match as unknown as [string, string, string, string, string];
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(formId, body)))) return { state: 'invalid' };
    const age = now - Number.parseInt(issued, 36);
    if (age < this.#leastMs) return { state: 'early' };
    return age > longestMs ? { state: 'late' } : { state: 'good', nonce };
  }

  #sign(formId: string, body: string): string {
    return createHmac('sha256', this.#key).update(`${formId} ${body}`).digest('base64url');
  }
}
