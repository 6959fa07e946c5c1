import type { IncomingMessage } from 'node:http';

const maximumBytes = 16 * 1024 * 1024;
const maximumTime = 2000;

/**
 * Calls `next` when the rest of a refused body has arrived and was thrown away. A connection that is closed while the client
 * still sends is reset, and the reset can reach the client before the answer. Bounded: what takes longer is cut off after all.
 */
export function drain(request: IncomingMessage, next: () => void): void {
  if (request.complete || request.destroyed || Number(request.headers['content-length'] ?? 0) > maximumBytes) {
    next();
    return;
  }
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maximumBytes) finish();
  };
  const timer = setTimeout(finish, maximumTime);
  request.on('data', count).once('end', finish).once('close', finish);
  request.resume();

  function finish(): void {
    clearTimeout(timer);
    request.off('data', count).off('end', finish).off('close', finish);
    next();
  }
}
