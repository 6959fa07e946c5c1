import { Option, type Command } from 'commander';
import { ApiKey, type ApiKeyStatus } from '../domain/api-key/api-key.entity.ts';
import type { Caller } from '../domain/caller.ts';
import { ResourceNotFoundError } from '../domain/domain-error.ts';
import { isBundleName, scopes, type BundleName, type Scope } from '../domain/scope.ts';
import { toApiKey } from '../api/platform/api-keys/api-keys.mapper.ts';
import { withServices, type AdminProcess, type Services } from './context.ts';
import { jsonOption, pageOptions, type ListOptions } from './options.ts';
import { assertMayShowSecrets, fields, print, shown, table, type OutputOptions } from './output.ts';
import { grantsValue, keyNameValue, timeValue } from './values.ts';

interface CreateOptions extends OutputOptions {
  organisation: string;
  name: string;
  grants: (Scope | BundleName)[];
  expiresAt?: Date;
}

/** `key create|list|revoke` */
export function keyCommands(root: Command, process: AdminProcess): void {
  const group = root.command('key').description('API keys');
  addCreate(group, process);
  addList(group, process);
  addRevoke(group, process);
}

function addCreate(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('create')
    .description('make a key for an organisation; shows its secret once')
    .requiredOption('--organisation <id>', 'id of the organisation')
    .requiredOption('--name <name>', 'what it is for', keyNameValue)
    .requiredOption('--grants <list>', 'comma-separated scopes and bundles, for example read-only', grantsValue)
    .option('--expires-at <time>', 'when it stops working, for example 2030-12-31T00:00:00Z', timeValue)
    .addOption(jsonOption())
    .action(async (options: CreateOptions) => {
      assertMayShowSecrets(stdout, options);
      const { organisation, name, grants, expiresAt } = options;
      await withServices(env, async ({ organisations, apiKeys }) => {
        const { id } = await organisations.get(organisation);
        const { apiKey, secret } = await apiKeys.create(operator(id), {
          name,
          scopes: grants.filter((grant) => !isBundleName(grant)),
          bundles: grants.filter(isBundleName),
          expiresAt,
        });
        print(stdout, options, {
          json: { ...toOperatorsKey(apiKey), secret },
          text: `${fields([...pairsOf(apiKey), ['Secret', secret]])}\n\nThe secret is shown once and never again.`,
        });
      });
    });
}

function addList(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('list')
    .description('list the keys of an organisation, the newest first')
    .requiredOption('--organisation <id>', 'id of the organisation')
    .addOption(new Option('--status <status>', 'only those').choices(['active', 'expired', 'revoked']))
    .addOption(pageOptions.page())
    .addOption(pageOptions.perPage())
    .addOption(jsonOption())
    .action((options: ListOptions & { organisation: string; status?: ApiKeyStatus }) =>
      withServices(env, async ({ organisations, apiKeys }) => {
        const { id } = await organisations.get(options.organisation);
        const { items, total } = await apiKeys.list(id, options);
        const rows = items.map((key) => [
          key.id,
          key.status(),
          key.prefix,
          key.lastUsedAt?.toISOString() ?? 'never',
          key.name,
          key.grants.join(','),
        ]);
        const headings = ['id', 'status', 'begins with', 'last used', 'name', 'grants'];
        print(stdout, options, {
          json: { data: items.map(toOperatorsKey), total_count: total },
          text: table(headings, rows) + shown(options.page, options.perPage, items.length, total),
        });
      }),
    );
}

function addRevoke(group: Command, { env, stdout }: AdminProcess): void {
  group
    .command('revoke')
    .description('end a key at once and for good')
    .argument('<id>', 'id of the key')
    .addOption(jsonOption())
    .action((id: string, options: OutputOptions) =>
      withServices(env, async (services) => {
        const apiKey = await services.apiKeys.revoke(operator(await organisationOf(services, id)), id);
        print(stdout, options, { json: toOperatorsKey(apiKey), text: fields(pairsOf(apiKey)) });
      }),
    );
}

/** An operator may do everything. */
function operator(organisationId: string): Caller {
  return { organisationId, scopes };
}

async function organisationOf({ em }: Services, keyId: string): Promise<string> {
  const key = await em.findOne(ApiKey, keyId);
  if (!key) throw new ResourceNotFoundError('api_key', keyId);
  return key.organisation.id;
}

function toOperatorsKey(key: ApiKey): object {
  return { ...toApiKey(key), organisation_id: key.organisation.id };
}

function pairsOf(key: ApiKey): [string, string][] {
  return [
    ['API key', key.id],
    ['Organisation', key.organisation.id],
    ['Name', key.name],
    ['Status', key.status()],
    ['Grants', key.grants.join(', ')],
    ['Expires', key.expiresAt?.toISOString() ?? 'never'],
  ];
}
