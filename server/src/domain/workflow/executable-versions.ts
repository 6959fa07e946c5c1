import type { EntityManager } from '@mikro-orm/postgresql';
import { ResourceNotFoundError } from '../domain-error.ts';
import { Lane } from '../lane.ts';
import type { WorkflowDefinition } from '../language/index.ts';
import { runPrepared } from '../prepared-query.ts';
import { SharedCache } from '../tenancy/shared-cache.ts';
import { WorkflowVersion } from './workflow-version.entity.ts';
import { executableVersionOf, type WorkflowStatus } from './workflow.entity.ts';

/** A version as executions run it. */
export interface ExecutableVersion {
  readonly version: number;
  readonly definition: WorkflowDefinition;
  readonly definitionHash: string;
}

interface Asked {
  readonly organisationId: string;
  readonly id: string;
}

interface Found {
  readonly id: string;
  readonly organisationId: string;
  readonly status: WorkflowStatus;
  readonly publishedVersion: number | null;
}

const columns =
  'workflow.id, workflow.organisation_id as "organisationId", status, published_version as "publishedVersion"';
const together = {
  name: 'flowpact_executable_workflows',
  text: `select ${columns} from unnest($1::text[], $2::text[]) asked(id, organisation_id)
    join workflow on workflow.id = asked.id and workflow.organisation_id = asked.organisation_id`,
};
/** Versions that are remembered at most. */
const maxVersions = 200;

/**
 * Finds what an execution is to run. Every start asks, so starts ask together for how their workflows stand, and versions,
 * which never change, are remembered.
 */
export class ExecutableVersions {
  readonly #em: EntityManager;
  readonly #workflows: Lane<Asked, Found | undefined>;
  readonly #versions = new SharedCache<ExecutableVersion>({ name: 'workflow_versions', maxEntries: maxVersions });

  constructor(em: EntityManager) {
    this.#em = em;
    this.#workflows = new Lane({
      name: 'executable_workflows',
      batchSize: 200,
      calls: 2,
      work: (asked) => this.#find(asked),
    });
  }

  /** The published version, or the given one; undefined when there is no such version. Throws as WorkflowService.getPublished. */
  async get(em: EntityManager, asked: Asked, wanted?: number): Promise<ExecutableVersion | undefined> {
    const alone = em.isInTransaction();
    const found = alone ? await this.#findIn(em, asked) : await this.#workflows.ask(asked);
    if (!found) throw new ResourceNotFoundError('workflow', asked.id);
    const number = wanted ?? executableVersionOf(found);
    if (wanted !== undefined) executableVersionOf(found);
    const key = `${asked.id}:${number}`;
    const known = this.#versions.get(asked.organisationId, key);
    if (known) return known;
    const where = { workflowId: asked.id, version: number, organisation: asked.organisationId };
    const read = await em.findOne(WorkflowVersion, where, { disableIdentityMap: true });
    if (!read) return undefined;
    const { version, definition, definitionHash } = read;
    const executable = { version, definition, definitionHash };
    // A transaction may see what is never committed.
    if (!alone) this.#versions.set(asked.organisationId, key, executable);
    return executable;
  }

  async #findIn(em: EntityManager, { organisationId, id }: Asked): Promise<Found | undefined> {
    const [found] = await em.execute<Found[]>(`select ${columns} from workflow where id = ? and organisation_id = ?`, [
      id,
      organisationId,
    ]);
    return found;
  }

  async #find(asked: readonly Asked[]): Promise<(Found | undefined)[]> {
    const ids = asked.map(({ id }) => id);
    const organisations = asked.map(({ organisationId }) => organisationId);
    const rows = await runPrepared<Found>(this.#em, together, [ids, organisations]);
    const found = new Map(rows.map((row) => [`${row.organisationId} ${row.id}`, row]));
    return asked.map(({ organisationId, id }) => found.get(`${organisationId} ${id}`));
  }
}
