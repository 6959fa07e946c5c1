import { DomainError } from '../../domain/domain-error.ts';

/** What of a request decides whether a page of another site sent it. */
export interface RequestOrigin {
  readonly method: string;
  /** `Sec-Fetch-Site`. */
  readonly fetchSite?: string;
  /** `Origin`. */
  readonly origin?: string;
  /** `Host`, with its port. */
  readonly host?: string;
}

/** A page of another site tried to act with the cookie of a user who is signed in here. */
export class CrossSiteRequestError extends DomainError {
  override readonly code = 'cross_site_request';

  constructor() {
    super('A session cookie is not accepted for writes from another site. Use an API key or a bearer token there.');
  }
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses writes that a browser sends from a site that is not trusted; throws CrossSiteRequestError. Browsers send
 * `Sec-Fetch-Site` or, older ones, `Origin` with each write; a request with neither is not a browser's. The algorithm is
 * the one of Go's `http.CrossOriginProtection` (https://words.filippo.io/csrf/).
 */
export function assertSameOrigin(request: RequestOrigin, trustedOrigins: readonly string[]): void {
  const { method, fetchSite, origin, host } = request;
  if (safeMethods.has(method)) return;
  if (origin !== undefined && trustedOrigins.includes(origin)) return;
  if (fetchSite !== undefined) {
    if (fetchSite === 'same-origin' || fetchSite === 'none') return;
    throw new CrossSiteRequestError();
  }
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host) throw new CrossSiteRequestError();
}
