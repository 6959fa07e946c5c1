import type { EntityManager } from '@mikro-orm/postgresql';

/** SQL that makes the sums of an organisation say that it stores so much: its id and the bytes are the parameters. */
export const fillStatement = `
  insert into storage_usage (organisation_id, other, recounted_at) values (?, ?, now())
  on conflict (organisation_id) do update set other = excluded.other, recounted_at = excluded.recounted_at`;

/** Lets an organisation store that many bytes, as far as its sums say; a recount would find out, and is not due for a day. */
export async function fillStorage(em: EntityManager, organisationId: string, bytes: number): Promise<void> {
  await em.fork().execute(fillStatement, [organisationId, bytes]);
}
