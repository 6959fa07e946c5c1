import { Argument, Option, type Command } from 'commander';
import { plans, type Plan } from '../domain/organisation/plan.ts';
import type { Organisation } from '../domain/organisation/organisation.entity.ts';
import { toApiKey } from '../api/platform/api-keys/api-keys.mapper.ts';
import { toOrganisation, toUser } from '../api/platform/auth/auth.mapper.ts';
import { passwordFor, withServices, type AdminProcess } from './context.ts';
import { jsonOption, pageOptions, type ListOptions } from './options.ts';
import { assertMayShowSecrets, fields, print, shown, table, type OutputOptions } from './output.ts';
import { emailValue, nameValue } from './values.ts';

interface CreateOptions extends OutputOptions {
  name: string;
  ownerEmail: string;
  ownerName: string;
  plan: Plan;
  passwordStdin?: boolean;
}

/** `organisation create|list|show|set-plan` */
export function organisationCommands(root: Command, process: AdminProcess): void {
  const { env, stdin, stdout } = process;
  const group = root.command('organisation').description('organisations, which see nothing of each other');

  group
    .command('create')
    .description('make an organisation with its owner and an API key for everything; shows their secrets once')
    .requiredOption('--name <name>', 'its name', nameValue)
    .requiredOption('--owner-email <address>', 'what the owner signs in with', emailValue)
    .option('--owner-name <name>', 'how to address the owner', nameValue, 'Admin')
    .addOption(new Option('--plan <plan>', 'what it may use').choices(plans).default('free'))
    .option('--password-stdin', "take the owner's password from standard input instead of making one")
    .addOption(jsonOption())
    .action(async (options: CreateOptions) => {
      assertMayShowSecrets(stdout, options);
      const adminPassword = await passwordFor(stdin, options.passwordStdin);
      await withServices(env, async ({ organisations }) => {
        const made = await organisations.create({
          organisationName: options.name,
          adminName: options.ownerName,
          adminEmail: options.ownerEmail,
          adminPassword,
          plan: options.plan,
        });
        const json = {
          organisation: toOrganisation(made.organisation),
          owner: toUser(made.admin),
          ...(options.passwordStdin ? {} : { password: adminPassword }),
          api_key: { ...toApiKey(made.apiKey), secret: made.apiKeySecret },
        };
        const text = fields([
          ...pairsOf(made.organisation),
          ['Owner', made.admin.email],
          ['Password', options.passwordStdin ? '(the one from standard input)' : adminPassword],
          ['API key', made.apiKeySecret],
        ]);
        print(stdout, options, { json, text: `${text}\n\nThe secrets are shown once and never again.` });
      });
    });

  group
    .command('list')
    .description('list organisations, the newest first')
    .addOption(pageOptions.page())
    .addOption(pageOptions.perPage())
    .addOption(jsonOption())
    .action((options: ListOptions) =>
      withServices(env, async ({ organisations }) => {
        const { items, total } = await organisations.list(options);
        const rows = items.map(({ id, name, plan, createdAt }) => [id, plan, createdAt.toISOString(), name]);
        print(stdout, options, {
          json: { data: items.map(toOrganisation), total_count: total },
          text:
            table(['id', 'plan', 'created', 'name'], rows) + shown(options.page, options.perPage, items.length, total),
        });
      }),
    );

  group
    .command('show')
    .description('show one organisation and how much it has')
    .argument('<id>', 'id of the organisation')
    .addOption(jsonOption())
    .action((id: string, options: OutputOptions) =>
      withServices(env, async ({ organisations }) => {
        const organisation = await organisations.get(id);
        const { users, activeKeys } = await organisations.sizeOf(id);
        print(stdout, options, {
          json: { ...toOrganisation(organisation), users, active_api_keys: activeKeys },
          text: fields([...pairsOf(organisation), ['Users', String(users)], ['Active API keys', String(activeKeys)]]),
        });
      }),
    );

  group
    .command('set-plan')
    .description('give an organisation another plan, which all server processes go by within seconds')
    .argument('<id>', 'id of the organisation')
    .addArgument(new Argument('<plan>', 'the new plan').choices(plans))
    .addOption(jsonOption())
    .action((id: string, plan: Plan, options: OutputOptions) =>
      withServices(env, async ({ organisations }) => {
        const organisation = await organisations.setPlan(id, plan);
        print(stdout, options, { json: toOrganisation(organisation), text: fields(pairsOf(organisation)) });
      }),
    );
}

function pairsOf({ id, name, plan, createdAt }: Organisation): [string, string][] {
  return [
    ['Organisation', id],
    ['Name', name],
    ['Plan', plan],
    ['Created', createdAt.toISOString()],
  ];
}
