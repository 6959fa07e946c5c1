import { ServerProcess } from './server-process.ts';

/** A server for a script to test, and a user of it who may do everything. */
export interface ProvidedServer {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** Stops it when it was started for this. */
  stop(): Promise<void>;
}

type Environment = Record<string, string> & { FLOWPACT_ADMIN_EMAIL: string; FLOWPACT_ADMIN_PASSWORD: string };

/** The server at `FLOWPACT_URL` (with `FLOWPACT_EMAIL` and `FLOWPACT_PASSWORD`); without one, starts one with these variables. */
export async function provideServer(environment: Environment): Promise<ProvidedServer> {
  const { FLOWPACT_URL: url, FLOWPACT_EMAIL: email, FLOWPACT_PASSWORD: password } = process.env;
  if (url !== undefined) {
    if (!email || !password)
      throw new Error('With FLOWPACT_URL, set FLOWPACT_EMAIL and FLOWPACT_PASSWORD of a user too.');
    return { url, email, password, stop: async () => undefined };
  }
  const server = new ServerProcess(environment);
  return {
    url: await server.ready(),
    email: environment.FLOWPACT_ADMIN_EMAIL,
    password: environment.FLOWPACT_ADMIN_PASSWORD,
    stop: () => server.end(),
  };
}
