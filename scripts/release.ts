/**
 * Prepares a release: `npm run release -- [--dry-run] [--since <commit>] [--version <x.y.z>] [--out <folder>]`. From the commits
 * since the last release it computes the version, writes CHANGELOG.md, states the version wherever it is stated, and puts what
 * is published into a folder, with a bill of materials (CycloneDX) and checksums. It needs no network, and commits nothing.
 */
import { join } from 'node:path';
import { prepareRelease, type ReleaseOptions } from './release/prepare.ts';
import { parseArgs } from 'node:util';

function options(args: string[]): ReleaseOptions {
  const { values } = parseArgs({
    args,
    options: {
      'dry-run': { type: 'boolean', default: false },
      since: { type: 'string' },
      version: { type: 'string' },
      out: { type: 'string', default: 'release' },
    },
  });
  return { dryRun: values['dry-run'], since: values.since, version: values.version, out: values.out };
}

try {
  await prepareRelease(join(import.meta.dirname, '..'), options(process.argv.slice(2)), (line) => console.log(line));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
