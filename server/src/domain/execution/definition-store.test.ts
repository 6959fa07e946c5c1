import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { until } from '../../../test/until.ts';
import { hashOf, type WorkflowDefinition } from '../language/index.ts';
import { DefinitionSnapshot } from './definition-snapshot.entity.ts';
import { DefinitionStore } from './definition-store.ts';

const hourMs = 3_600_000;

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => bench.stop());

const definitionOf = (name: string): WorkflowDefinition => sketch({ [name]: { type: 'pure' } }, []);
const snapshotOf = (definition: WorkflowDefinition): Promise<DefinitionSnapshot | null> =>
  bench.database.orm.em.fork().findOne(DefinitionSnapshot, { organisationId, hash: hashOf(definition) });
const lastUsed = (definition: WorkflowDefinition, hoursAgo: number): Promise<number> =>
  bench.database.orm.em
    .fork()
    .nativeUpdate(
      DefinitionSnapshot,
      { organisationId, hash: hashOf(definition) },
      { usedAt: new Date(Date.now() - hoursAgo * hourMs) },
    );

test('a definition is removed a day after its last use, when no execution that ran it is left', async () => {
  const definition = definitionOf('a');
  const { id } = await bench.run(definition);
  await lastUsed(definition, 25);
  expect(await bench.definitions.removeUnused(organisationId)).toBe(0);
  await bench.control.delete(organisationId, id);
  await lastUsed(definition, 23);
  expect(await bench.definitions.removeUnused(organisationId)).toBe(0);
  await lastUsed(definition, 25);
  await bench.definitions.sweep(new AbortController().signal);
  expect(await snapshotOf(definition)).toBeNull();
});

test('a store that knows a definition for an hour writes down that it is used', async () => {
  const definition = definitionOf('b');
  await bench.run(definition);
  await lastUsed(definition, 2);
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + hourMs);
  await bench.definitions.keep(organisationId, definition, bench.database.orm.em.fork());
  await until(async () => (await snapshotOf(definition))!.usedAt.getTime() > now - hourMs);
});

test('a store that has long known a definition stores it anew when it is gone', async () => {
  const definition = definitionOf('c');
  const store = new DefinitionStore(bench.database.orm);
  const hash = await store.keep(organisationId, definition, bench.database.orm.em.fork());
  store.wasKept(organisationId, hash);
  await bench.database.orm.em.fork().nativeDelete(DefinitionSnapshot, { organisationId, hash });
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + 12 * hourMs);
  await store.keep(organisationId, definition, bench.database.orm.em.fork());
  expect(await snapshotOf(definition)).not.toBeNull();
});
