import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { configurationPage } from './generate-configuration-docs.ts';

test('docs/configuration.md lists the variables as the server reads them', async () => {
  expect(readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8')).toBe(await configurationPage());
});
