import { resolve } from 'node:path';
import { type NormalizedProblem, bundle, createConfig, lint } from '@redocly/openapi-core';
import { displayPath } from '../../load/locations.ts';
import { toProblem } from '../../load/load-document.ts';
import { header } from '../../print/text.ts';
import { GeneratorError, type Problems } from '../../problems.ts';
import type { GeneratedFile, Target, TargetInput } from '../target.ts';

/**
 * The AsyncAPI 3 document that stands beside a contract, as one document to serve and to validate messages with. It may
 * refer to schemas of the contract's files, so that an event has one definition. `options.spec` is its file.
 */
export const asyncapi: Target = {
  name: 'asyncapi',
  async emit({ config, options, problems }: TargetInput): Promise<readonly GeneratedFile[]> {
    const spec = options['spec'];
    if (typeof spec !== 'string') {
      problems.add({
        code: 'missing-target-option',
        message: 'the target asyncapi does not know its document',
        hint: "set options: { spec: 'path/to/asyncapi.yaml' }",
      });
      return [];
    }
    const file = resolve(config.root, spec);
    const document = await bundled(file, config.root, problems);
    const source = displayPath(file, config.root);
    return [
      { path: 'asyncapi.json', text: `${JSON.stringify(document, null, 2)}\n` },
      { path: 'index.ts', text: `${header(source)}\n${moduleText}` },
    ];
  },
};

const moduleText = `import { readFileSync } from 'node:fs';

/** The AsyncAPI document; every reference in it points into itself. */
export const document = JSON.parse(readFileSync(new URL('./asyncapi.json', import.meta.url), 'utf8')) as Record<string, unknown>;
`;

/** Throws a `GeneratorError` when a file cannot be read, a reference leads nowhere or the structure breaks AsyncAPI. */
async function bundled(file: string, directory: string, problems: Problems): Promise<unknown> {
  const config = await createConfig({ rules: { struct: 'error', 'no-unresolved-refs': 'error' } });
  let found: NormalizedProblem[];
  try {
    found = await lint({ ref: file, config });
  } catch (cause) {
    const message = `cannot read ${displayPath(file, directory)}: ${(cause as Error).message.split('\n', 1)[0]}`;
    problems.add({ code: 'unreadable-document', message, hint: 'the path is relative to the configuration file' });
    throw new GeneratorError(problems.list);
  }
  const result = await bundle({ ref: file, config });
  for (const problem of [...found, ...result.problems]) problems.add(toProblem(problem, directory));
  problems.throwIfAny();
  const document = result.bundle.parsed as { asyncapi?: unknown };
  if (!String(document.asyncapi).startsWith('3.')) {
    const message = `${displayPath(file, directory)} is not an AsyncAPI 3 document`;
    problems.add({ code: 'unsupported-asyncapi-version', message, hint: 'begin it with "asyncapi: 3.0.0"' });
  }
  problems.throwIfAny();
  return document;
}
