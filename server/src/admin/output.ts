import { UsageError } from '../command.ts';

/** Where a command writes its result. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** What every command takes: results as JSON instead of text for people. */
export interface OutputOptions {
  readonly json?: boolean;
}

/** A result: the same value as JSON, and as lines for people. */
export interface Result {
  readonly json: unknown;
  readonly text: string;
}

/** Writes one result, in the form that was asked for. */
export function print(screen: Screen, { json }: OutputOptions, result: Result): void {
  screen.write(json ? `${JSON.stringify(result.json, null, 2)}\n` : `${result.text}\n`);
}

/**
 * Throws UsageError when a secret would be written for people where no person reads it: into a file or a log that keeps it.
 * To be called before the secret is made.
 */
export function assertMayShowSecrets(screen: Screen, { json }: OutputOptions): void {
  if (json || screen.isTTY) return;
  throw new UsageError(
    'This shows a secret, and standard output is not a terminal. Nothing was changed. With --json the secret is part of the result.',
  );
}

/** Rows under headings, as wide as they need to be. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, one pair a line. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** Which part of a list is shown, when it is not all of it. */
export function shown(page: number, perPage: number, count: number, total: number): string {
  if (count === total) return '';
  const first = (page - 1) * perPage + 1;
  return `\n\n${count === 0 ? 'None' : `${first} to ${first + count - 1}`} of ${total}; --page shows others.`;
}
