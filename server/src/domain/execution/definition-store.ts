import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { compile, type Graph, hashOf, type WorkflowDefinition } from '../language/index.ts';
import { SharedCache } from '../tenancy/shared-cache.ts';
import { DefinitionSnapshot } from './definition-snapshot.entity.ts';

const mostGraphs = 500;
const mostKept = 5_000;

/** Keeps the definitions that executions run, each once per organisation, and the graphs made of them. */
export class DefinitionStore {
  readonly #orm: MikroORM;
  /** Graphs read from the database, so what is here has been committed. */
  readonly #graphs = new SharedCache<Graph>({ name: 'graphs', most: mostGraphs });
  /** Hashes of definitions that are stored. */
  readonly #kept = new SharedCache<true>({ name: 'stored_definitions', most: mostKept });

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
    if (this.#graphs.get(organisationId, hash) || this.#kept.get(organisationId, hash)) return hash;
    await em.getConnection().execute(
      `insert into definition_snapshot (organisation_id, hash, definition, created_at) values (?, ?, ?::jsonb, now())
       on conflict do nothing`,
      [organisationId, hash, JSON.stringify(definition)],
      'run',
      em.getTransactionContext(),
    );
    return hash;
  }

  /** The transaction that a definition was kept in has committed. */
  wasKept(organisationId: string, hash: string): void {
    this.#kept.set(organisationId, hash, true);
  }

  /** The graph of a definition that was kept; throws when it was not. */
  async graph(organisationId: string, hash: string): Promise<Graph> {
    const known = this.#graphs.get(organisationId, hash);
    if (known) return known;
    const snapshot = await this.#orm.em.fork().findOneOrFail(DefinitionSnapshot, { organisationId, hash });
    const graph = compile(snapshot.definition);
    this.#graphs.set(organisationId, hash, graph);
    return graph;
  }
}
