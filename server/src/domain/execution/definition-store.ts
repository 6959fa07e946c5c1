import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { compile, type Graph, hashOf, type WorkflowDefinition } from '../language/index.ts';
import { SharedCache } from '../tenancy/shared-cache.ts';
import { DefinitionSnapshot } from './definition-snapshot.entity.ts';

const maxGraphs = 500;
const maxStoredDefinitions = 5_000;
/**
 * Milliseconds for which nobody looks whether a definition is stored, and for which it is known to be: unused ones stay for a
 * day.
 */
const believedMs = 3_600_000;
const knownMs = 12 * believedMs;
/** How often unused definitions are looked for. */
export const sweepInterval = 86_400_000;

/** Keeps the definitions that executions run, each once per organisation, and the graphs made of them. */
export class DefinitionStore {
  readonly #orm: MikroORM;
  /** Graphs read from the database, so what is here has been committed. */
  readonly #graphs = new SharedCache<Graph>({ name: 'graphs', maxEntries: maxGraphs });
  /** When definitions were last stored, or found to be. */
  readonly #kept = new SharedCache<number>({ name: 'stored_definitions', maxEntries: maxStoredDefinitions });

  constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** Makes sure that the definition is stored, in the transaction of `em`, and returns its hash, which may be given. */
  async keep(
    organisationId: string,
    definition: WorkflowDefinition,
    em: EntityManager,
    hash = hashOf(definition),
  ): Promise<string> {
    if (this.#isKept(organisationId, hash)) return hash;
    await em.getConnection().execute(
      `insert into definition_snapshot (organisation_id, hash, definition, created_at, used_at)
       values (?, ?, ?::jsonb, now(), now())
       on conflict (organisation_id, hash) do update set used_at = excluded.used_at
        where definition_snapshot.used_at < now() - ?::interval`,
      [organisationId, hash, JSON.stringify(definition), `${believedMs} milliseconds`],
      'run',
      em.getTransactionContext(),
    );
    return hash;
  }

  /** The transaction that a definition was kept in has committed. */
  wasKept(organisationId: string, hash: string): void {
    if (this.#age(organisationId, hash) >= believedMs) this.#kept.set(organisationId, hash, Date.now());
  }

  #age(organisationId: string, hash: string): number {
    return Date.now() - (this.#kept.get(organisationId, hash) ?? 0);
  }

  /** What was stored some hours ago still is; that it is needed is written down without anybody waiting. */
  #isKept(organisationId: string, hash: string): boolean {
    const age = this.#age(organisationId, hash);
    if (age >= knownMs) return false;
    if (age >= believedMs) void this.#markUsed(organisationId, hash);
    return true;
  }

  async #markUsed(organisationId: string, hash: string): Promise<void> {
    this.#kept.set(organisationId, hash, Date.now());
    const marked = await this.#orm.em
      .fork()
      .nativeUpdate(DefinitionSnapshot, { organisationId, hash }, { usedAt: new Date() })
      .catch(() => 0);
    if (marked === 0) this.#kept.delete(organisationId, hash);
  }

  /**
   * Removes the definitions that no execution of the organisation runs or has run, unless one has begun with them in the
   * last day: other processes may believe that they are stored. How many that were.
   */
  async removeUnused(organisationId: string): Promise<number> {
    const rows = await this.#orm.em.fork().execute<unknown[]>(
      `delete from definition_snapshot where organisation_id = ? and used_at < now() - interval '1 day'
          and hash not in (select definition_hash from execution where organisation_id = ?) returning hash`,
      [organisationId, organisationId],
    );
    return rows.length;
  }

  /** As `removeUnused`, for all organisations, one after the other. */
  async sweep(signal: AbortSignal): Promise<void> {
    const organisations = await this.#orm.em
      .fork()
      .execute<{ id: string }[]>(
        `select distinct organisation_id as id from definition_snapshot where used_at < now() - interval '1 day'`,
      );
    for (const { id } of organisations) if (!signal.aborted) await this.removeUnused(id);
  }

  /** The graph of a definition that was kept; throws when it was not. */
  async graph(organisationId: string, hash: string): Promise<Graph> {
    const known = this.#graphs.get(organisationId, hash);
    if (known) return known;
    const snapshot = await this.#orm.em.fork().findOneOrFail(DefinitionSnapshot, { organisationId, hash });
    this.#kept.set(organisationId, hash, snapshot.usedAt.getTime());
    const graph = compile(snapshot.definition);
    this.#graphs.set(organisationId, hash, graph);
    return graph;
  }
}
