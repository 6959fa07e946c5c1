/** Version of this package; a test holds it against package.json. */
export const version = '0.1.0';

/** Sent as `User-Agent`; undefined in browsers, which set their own. */
export const userAgent: string | undefined =
  'document' in globalThis ? undefined : `flowpact-sdk-typescript/${version}`;
