import type { EntityManager } from '@mikro-orm/postgresql';
import { ApiKeyService } from '../domain/api-key/api-key.service.ts';
import { OrganisationService } from '../domain/organisation/organisation.service.ts';
import { PasswordResetTokens } from '../domain/password-reset/password-reset-tokens.ts';
import type { PublicUrl } from '../domain/public-url.ts';
import { randomBase62 } from '../domain/secret.ts';
import { passwordProblem } from '../domain/user/password-length.ts';
import { UserService } from '../domain/user/user.service.ts';
import { UsageError, type CommandProcess } from '../command.ts';
import { Argon2PasswordHasher } from '../platform/auth/argon2-password-hasher.ts';
import { Config } from '../platform/config/config.ts';
import { openDatabase } from '../platform/database/open-database.ts';
import { createOrm } from '../platform/database/orm.ts';
import { assertSchema } from '../platform/database/schema-state.ts';
import type { Screen } from './output.ts';

/** What the commands need of the process they run in. */
export interface AdminProcess extends CommandProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Screen;
}

/** The services of the domain, as the server has them. */
export interface Services {
  readonly em: EntityManager;
  readonly organisations: OrganisationService;
  readonly users: UserService;
  readonly apiKeys: ApiKeyService;
  readonly resets: PasswordResetTokens;
  readonly publicUrl: PublicUrl;
}

/** Runs `work` on the database of the configuration, and closes it again. */
export async function withServices(
  env: AdminProcess['env'],
  work: (services: Services) => Promise<void>,
): Promise<void> {
  const config = Config.from(env);
  const database = await openDatabase(config.settings);
  try {
    const orm = await createOrm({ url: database.url, poolSize: 2 });
    try {
      await assertSchema(orm, database.url);
      const em = orm.em.fork();
      const passwords = new Argon2PasswordHasher();
      const organisations = new OrganisationService(em, passwords);
      await work({
        em,
        organisations,
        users: new UserService(em, passwords),
        apiKeys: new ApiKeyService(em),
        resets: new PasswordResetTokens(em),
        publicUrl: { of: (path) => config.publicUrl() + path },
      });
    } finally {
      await orm.close();
    }
  } finally {
    await database.close();
  }
}

/** The password that was piped in, or a new one. Arguments are no place for it: other users of the machine can see them. */
export async function passwordFor(stdin: AsyncIterable<unknown>, piped: boolean | undefined): Promise<string> {
  if (!piped) return randomBase62(20);
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  const password = text.replace(/\r?\n$/, '');
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new UsageError(`The password on standard input ${problem}.`);
  return password;
}
