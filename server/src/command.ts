import { CommanderError, type Command } from 'commander';
import { DomainError, ResourceNotFoundError } from './domain/domain-error.ts';
import { passingOf } from './domain/passing-error.ts';
import { StartupError } from './platform/lifecycle/startup-error.ts';
import { loggedError } from './platform/logging/logged-error.ts';

/** What a shell is told: the command did its work, failed, or was called wrongly. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** The command was called wrongly, in a way that its parser does not see. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Where a command tells how it went. */
export interface CommandProcess {
  readonly stderr: { write(text: string): unknown };
  exitCode?: unknown;
}

/**
 * Does the work of an `npm run` command beside the server. What went wrong is told on standard error in words, and by the
 * exit code.
 */
export async function runCommand(process: CommandProcess, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`\n${explain(error)}\n\n`);
    process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

/** Parses the arguments and runs the command that they name; the parser itself says what is wrong with them. */
export async function parseCommand(process: CommandProcess, command: Command, args: readonly string[]): Promise<void> {
  command.exitOverride();
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}

/** Stopped by a signal, a command still stops the PostgreSQL that it has started. */
export function stopAtSignals(): void {
  // Without a listener a signal ends the process before its `exit` listeners run.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

function explain(error: unknown): string {
  if (error instanceof StartupError) return `${error.message}\n\n${error.remedy}`;
  if (error instanceof ResourceNotFoundError) {
    const { resource, id } = error.details;
    return `There is no ${String(resource).replaceAll('_', ' ')} ${String(id)}.`;
  }
  if (error instanceof DomainError || error instanceof UsageError) return error.message;
  if (passingOf(error)) return 'The database cannot be used now. Nothing was changed; run this again in a moment.';
  // Without the rows and values that PostgreSQL quotes: there may be secrets among them.
  const { message, stack } = loggedError(error) as { message?: string; stack?: string };
  return stack ?? message ?? String(error);
}
