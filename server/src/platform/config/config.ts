import type { z } from 'zod';
import { StartupError } from '../lifecycle/startup-error.ts';
import { variables } from './variables.ts';

/** The values of the environment variables, typed and with defaults, each under its own name. */
export type Settings = z.output<typeof variables>;

/** The configuration of one server process, injected by this class; once the server listens, it never changes. */
export class Config {
  #boundPort: number | undefined;

  private constructor(readonly settings: Readonly<Settings>) {}

  /** Reads the environment; throws one StartupError that lists every variable that is wrong, and what to do. */
  static from(environment: Readonly<Record<string, string | undefined>>): Config {
    // An empty value means "not set", which is what `VARIABLE= npm start` and unset compose variables look like.
    const given = Object.fromEntries(
      Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
    );
    const result = variables.safeParse(given);
    const lines = (result.error?.issues ?? []).map((issue) => describeProblem(String(issue.path[0]), issue.message));
    if (given['SMTP_URL'] !== undefined && given['MAIL_FROM'] === undefined)
      lines.push(describeProblem('MAIL_FROM', 'is not set, and SMTP_URL is'));
    if (result.success && lines.length === 0) return new Config(result.data);
    throw new StartupError(
      `The configuration is wrong in ${lines.length} ${lines.length === 1 ? 'place' : 'places'}:\n${lines.join('\n')}`,
      'Correct the environment variables above; docs/configuration.md lists them all.',
    );
  }

  /** The same configuration with some values found out at the start. */
  with(found: Partial<Settings>): Config {
    return new Config({ ...this.settings, ...found });
  }

  /** Takes the port that the server listens on, which with PORT=0 is known only then. */
  listensOn(port: number): void {
    this.#boundPort = port;
  }

  /** The origin that clients see. */
  publicUrl(port: number = this.#boundPort ?? this.settings.PORT): string {
    return this.settings.PUBLIC_URL ?? `http://localhost:${port}`;
  }
}

/** The value itself is left out: it may be a secret. */
function describeProblem(name: string, message: string): string {
  const description = variables.shape[name as keyof Settings]?.description ?? '';
  return `  ${name} ${message}. ${description}`;
}

/** Whether this process runs executions and the loops of the platform. */
export function isWorker({ settings }: Config): boolean {
  return settings.FLOWPACT_ROLE !== 'api';
}

/** Whether this process answers the API, and not only about its own health. */
export function servesApi({ settings }: Config): boolean {
  return settings.FLOWPACT_ROLE !== 'worker';
}
