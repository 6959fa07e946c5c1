import { Argument, Option, type Command } from 'commander';
import { resetLink } from '../domain/password-reset/reset-messages.ts';
import { roles, type Role } from '../domain/user/role.ts';
import type { User } from '../domain/user/user.entity.ts';
import { toUser } from '../api/platform/auth/auth.mapper.ts';
import { passwordFor, withServices, type AdminProcess } from './context.ts';
import { jsonOption, pageOptions, type ListOptions } from './options.ts';
import { assertMayShowSecrets, fields, print, shown, table, type OutputOptions } from './output.ts';
import { emailValue, nameValue } from './values.ts';

interface PasswordOptions extends OutputOptions {
  passwordStdin?: boolean;
}

interface CreateOptions extends PasswordOptions {
  organisation: string;
  email: string;
  name: string;
  role: Role;
}

/** `user create|list|set-password|reset-password|set-role` */
export function userCommands(root: Command, process: AdminProcess): void {
  const group = root.command('user').description('people who sign in');
  addCreate(group, process);
  addList(group, process);
  addSetPassword(group, process);
  addResetPassword(group, process);
  addSetRole(group, process);
}

function addCreate(group: Command, { env, stdin, stdout }: AdminProcess): void {
  group
    .command('create')
    .description('add a person to an organisation; shows the password once')
    .requiredOption('--organisation <id>', 'id of the organisation')
    .requiredOption('--email <address>', 'what the person signs in with; unique over all organisations', emailValue)
    .requiredOption('--name <name>', 'how to address the person', nameValue)
    .addOption(new Option('--role <role>', 'what the person may do').choices(roles).default('member'))
    .option('--password-stdin', 'take the password from standard input instead of making one')
    .addOption(jsonOption())
    .action(async (options: CreateOptions) => {
      const { organisation, email, name, role, passwordStdin } = options;
      if (!passwordStdin) assertMayShowSecrets(stdout, options);
      const password = await passwordFor(stdin, passwordStdin);
      await withServices(env, async ({ users }) => {
        const user = await users.create(organisation, { email, name, role, password });
        printWithPassword(stdout, options, user, password);
      });
    });
}

function addList(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('list')
    .description('list users, the newest first')
    .option('--organisation <id>', 'only those of this organisation')
    .addOption(pageOptions.page())
    .addOption(pageOptions.perPage())
    .addOption(jsonOption())
    .action((options: ListOptions & { organisation?: string }) =>
      withServices(env, async ({ organisations, users }) => {
        if (options.organisation !== undefined) await organisations.get(options.organisation);
        const { items, total } = await users.list(options.organisation, options);
        const rows = items.map(({ id, organisation, role, email, name }) => [id, organisation.id, role, email, name]);
        const headings = ['id', 'organisation', 'role', 'email', 'name'];
        print(stdout, options, {
          json: { data: items.map(toOperatorsUser), total_count: total },
          text: table(headings, rows) + shown(options.page, options.perPage, items.length, total),
        });
      }),
    );
}

function addSetPassword(group: Command, { env, stdin, stdout }: AdminProcess): void {
  group
    .command('set-password')
    .description('give a user a new password and end the sessions of the user; shows the password once')
    .argument('<user>', 'id or address of the user')
    .option('--password-stdin', 'take the password from standard input instead of making one')
    .addOption(jsonOption())
    .action(async (given: string, options: PasswordOptions) => {
      if (!options.passwordStdin) assertMayShowSecrets(stdout, options);
      const password = await passwordFor(stdin, options.passwordStdin);
      await withServices(env, async ({ users }) => {
        const { user, endedSessions } = await users.setPassword((await users.find(given)).id, password);
        printWithPassword(stdout, options, user, password, endedSessions);
      });
    });
}

function addResetPassword(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('reset-password')
    .description('make a link with which a user sets a new password, once and within 30 minutes; shows it once')
    .argument('<user>', 'id or address of the user')
    .addOption(jsonOption())
    .action(async (given: string, options: OutputOptions) => {
      assertMayShowSecrets(stdout, options);
      await withServices(env, async ({ users, resets, publicUrl }) => {
        const user = await users.find(given);
        const { token, expiresAt } = await resets.issue(user.id);
        const link = resetLink(publicUrl, token);
        const text = fields([...pairsOf(user), ['Link', link], ['Works until', expiresAt.toISOString()]]);
        print(stdout, options, {
          json: { user: toOperatorsUser(user), link, expires_at: expiresAt.toISOString() },
          text: `${text}\n\nThe link is shown once and never again. It makes an earlier one invalid; until it is used, the password stays as it is.`,
        });
      });
    });
}

function addSetRole(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('set-role')
    .description('let a user do more or less, from the next request on')
    .argument('<user>', 'id or address of the user')
    .addArgument(new Argument('<role>', 'the new role').choices(roles))
    .addOption(jsonOption())
    .action((given: string, role: Role, options: OutputOptions) =>
      withServices(env, async ({ users }) => {
        const user = await users.setRole((await users.find(given)).id, role);
        print(stdout, options, { json: toOperatorsUser(user), text: fields(pairsOf(user)) });
      }),
    );
}

function printWithPassword(
  stdout: AdminProcess['stdout'],
  options: PasswordOptions,
  user: User,
  password: string,
  endedSessions?: number,
): void {
  const ended = endedSessions === undefined ? {} : { ended_sessions: endedSessions };
  const endedPair: [string, string][] = endedSessions === undefined ? [] : [['Ended sessions', String(endedSessions)]];
  if (options.passwordStdin) {
    const text = fields([...pairsOf(user), ...endedPair]);
    print(stdout, options, { json: { user: toOperatorsUser(user), ...ended }, text });
    return;
  }
  print(stdout, options, {
    json: { user: toOperatorsUser(user), password, ...ended },
    text: `${fields([...pairsOf(user), ...endedPair, ['Password', password]])}\n\nThe password is shown once and never again.`,
  });
}

function toOperatorsUser(user: User): object {
  return { ...toUser(user), organisation_id: user.organisation.id };
}

function pairsOf({ id, organisation, email, name, role }: User): [string, string][] {
  return [
    ['User', id],
    ['Organisation', organisation.id],
    ['Email', email],
    ['Name', name],
    ['Role', role],
  ];
}
