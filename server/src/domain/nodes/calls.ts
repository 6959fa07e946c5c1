import type { Json } from '../domain-error.ts';
import type { Disclosure } from '../vault/disclosure.ts';
import { NodeFailure } from './node-type.ts';
import { OutgoingHttpError } from './outgoing-http.ts';

/** Makes a call that knows secrets; what it fails with does not tell them. */
export async function disclosed<T>(disclosure: Disclosure, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof NodeFailure)) throw error;
    const { redactor } = disclosure;
    throw new NodeFailure(
      error.code,
      redactor.text(error.message),
      redactor.json(error.details) as Record<string, Json>,
    );
  }
}

/** `http_4xx` or `http_5xx`, so that `retry.on` can tell a mistake of ours from trouble over there. */
export function statusFailure(url: URL | undefined, { status, body }: { status: number; body: Json }): NodeFailure {
  const excerpt = (typeof body === 'string' ? body : JSON.stringify(body)).slice(0, 1_000);
  return new NodeFailure(`http_${Math.floor(status / 100)}xx`, `${placeOf(url)} answered ${status}.`, {
    status,
    body: excerpt,
  });
}

/** A call that brought no answer, as the failure of a node; any other error is given back as it is. */
export function callFailure(url: URL | undefined, error: unknown): unknown {
  if (!(error instanceof OutgoingHttpError)) return error;
  const message = `${placeOf(url)}: ${error.message}`;
  return new NodeFailure(`http_${error.reason}`, message, { reason: error.reason }, { cause: error });
}

/** Without the query, which may hold what is not for everybody. */
function placeOf(url: URL | undefined): string {
  return url ? `${url.origin}${url.pathname}` : 'The server';
}
