import { createServer } from 'node:net';
import { StartupError } from './startup-error.ts';

/** Throws a StartupError when the server could not listen there, before anything else is started. */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((done, failed) => probe.once('error', failed).listen({ host, port }, done));
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
  await new Promise((done) => probe.close(done));
}

/** What to tell the operator about a refused `listen`. */
export function cannotListen(
  host: string,
  port: number,
  cause: unknown,
  variables = { host: 'HOST', port: 'PORT' },
): StartupError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new StartupError(
      `Port ${port} is in use by another program.`,
      `Stop it, or choose another port: ${variables.port}=${port + 1} npm start`,
      { cause },
    );
  }
  if (code === 'EACCES') {
    return new StartupError(
      `This user may not listen on port ${port}.`,
      `Choose a port above 1023, for example ${variables.port}=3000.`,
      { cause },
    );
  }
  return new StartupError(
    `The server cannot listen on ${host}, port ${port}: ${message}.`,
    `Correct ${variables.host} and ${variables.port}.`,
    { cause },
  );
}
