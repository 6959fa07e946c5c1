import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ duration: '1m30s' }, [], { output: { duration_ms: 90_000 } }],
  [{ until: '2026-12-01T08:00:00+01:00' }, [], { output: { until: '2026-12-01T07:00:00.000Z' } }],
])('%j', async (params, answers, want) => {
  expect((await runNode('delay', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, want: object[]]>([
  [{ duration: '250ms' }, [{ kind: 'sleep', milliseconds: 250 }]],
  [{ until: '2026-12-01T08:00:00Z' }, [{ kind: 'sleepUntil', at: '2026-12-01T08:00:00.000Z' }]],
])('%j asks for %j', async (params, want) => {
  expect((await runNode('delay', params)).commands).toEqual(want);
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ duration: 'soon' }, 'params.duration is not a duration'],
  [{ until: 'tomorrow' }, 'params.until'],
  [{}, 'params'],
  [{ duration: '1s', until: '2026-12-01T08:00:00Z' }, 'params'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  expect(await nodeFailure('delay', params)).toMatchObject({
    code: 'invalid_params',
    message: expect.stringContaining(message),
  });
});
