import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfig, lint } from '@redocly/openapi-core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lowerFile } from './index.ts';

const root = join(import.meta.dirname, '../../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowering-'));
});

afterAll(() => rm(folder, { recursive: true }));

test.each([
  'node_modules/@readme/oas-examples/3.1/json/train-travel.json',
  'node_modules/@readme/oas-examples/3.1/json/petstore.json',
  'node_modules/@readme/oas-examples/3.1/json/security.json',
  'node_modules/@readme/oas-examples/3.1/json/webhooks.json',
  'node_modules/@readme/oas-examples/3.1/json/schema-encoding-style.json',
  'node_modules/@scalar/galaxy/dist/3.1.json',
])('%s is valid 3.0.3 when it is lowered', async (file) => {
  const { document } = await lowerFile(join(root, file), root);
  const ref = join(folder, 'openapi.json');
  await writeFile(ref, JSON.stringify(document));
  const config = await createConfig({ rules: { struct: 'error', 'no-unresolved-refs': 'error' } });
  expect((await lint({ ref, config })).map(({ message }) => message)).toEqual([]);
});

test('each loss is told with file, line and column', async () => {
  const file = join(folder, 'spec.yaml');
  await writeFile(
    file,
    `openapi: 3.1.0
info: { title: T, version: '1' }
paths: {}
components:
  schemas:
    Pair:
      type: array
      prefixItems: [{ type: string }, { type: integer }]
`,
  );
  expect((await lowerFile(file, folder)).report).toEqual([
    'spec.yaml:6:5 loss tuple: prefixItems: 3.0.3 has no tuples, so every item may be any of them',
  ]);
});
