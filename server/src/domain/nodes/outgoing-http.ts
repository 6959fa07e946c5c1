/** Headers that belong to the connection, not to its user: setting them could make two messages out of one (RFC 9112 section 11). */
export const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Calls to other servers. Refuses private networks, checks every redirect, bounds time and size, and shares its calls among organisations. */
export abstract class OutgoingHttp {
  /** Throws an OutgoingHttpError when there is no answer; any status is an answer. */
  abstract send(request: OutgoingRequest): Promise<OutgoingResponse>;
}

/** One call, with the limits it is held to. */
export interface OutgoingRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** What is for this server and for none that it redirects to: these headers (lower case), and whether the body is. */
  confidential?: { readonly headers: readonly string[]; readonly body: boolean };
  /** Milliseconds until the last byte of the answer. */
  timeout: number;
  /** How many redirects are followed. */
  redirects: number;
  /** Bytes of the answer's body. */
  maxBytes: number;
  signal?: AbortSignal;
  /** Whoever asks bounds the number of calls, so that this one waits for no slot. */
  hasSlot?: boolean;
}

/** The answer to a call, after its redirects. */
export interface OutgoingResponse {
  status: number;
  /** Names in lower case; several values of one name are joined by commas. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** Whole milliseconds. */
  duration: number;
}

/** Why there was no answer. */
export type OutgoingFailure =
  'refused_address' | 'invalid_request' | 'connection' | 'timeout' | 'too_large' | 'too_many_redirects' | 'aborted';

/** A call that brought no answer. */
export class OutgoingHttpError extends Error {
  readonly reason: OutgoingFailure;

  constructor(reason: OutgoingFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutgoingHttpError';
    this.reason = reason;
  }
}
