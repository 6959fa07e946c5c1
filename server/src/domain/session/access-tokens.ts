/** What an access token says. It grants nothing by itself: the session is looked up at each request. */
export interface AccessTokenClaims {
  readonly sessionId: string;
  readonly userId: string;
  readonly organisationId: string;
}

/** Makes and checks the short-lived tokens of sessions. */
export abstract class AccessTokens {
  /** Seconds that a token lives. */
  abstract readonly lifetimeSeconds: number;

  abstract issue(claims: AccessTokenClaims): Promise<string>;

  /** Throws InvalidTokenError or ExpiredTokenError. */
  abstract verify(token: string): Promise<AccessTokenClaims>;
}
