import { Command } from 'commander';
import { parseCommand, runCommand } from '../command.ts';
import type { AdminProcess } from './context.ts';
import { keyCommands } from './key-commands.ts';
import { organisationCommands } from './organisation-commands.ts';
import { userCommands } from './user-commands.ts';

/** The operator's commands; `run` takes the arguments without the program. */
export function program(process: AdminProcess): { run(args: readonly string[]): Promise<void> } {
  const root = new Command('npm run admin --')
    .description(
      'Manages the organisations, users and API keys of this installation: in the database of DATABASE_URL, or in the embedded one of FLOWPACT_DATA_DIR, whether or not its server runs.',
    )
    .addHelpText('after', '\nEvery command has --help. Results as JSON: npm run --silent admin -- <command> --json\n')
    // Subcommands take over how it exits and writes only when they are added later.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
    });
  for (const commands of [organisationCommands, userCommands, keyCommands]) commands(root, process);
  return { run: (args) => runCommand(process, () => parseCommand(process, root, args)) };
}
