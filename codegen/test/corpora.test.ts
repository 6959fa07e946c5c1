import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { generate } from '../src/generate.ts';
import { write } from '../src/write.ts';

const modules = resolve(import.meta.dirname, '../../node_modules');
const runtimeImport = resolve(import.meta.dirname, '../runtime/nest/index.ts');

/** Documents nobody here wrote, with the features that are left out of each. */
const corpora: readonly (readonly [document: string, skip?: readonly string[]])[] = [
  ['@readme/oas-examples/3.0/json/callbacks.json', ['unsupported-callbacks']],
  ['@readme/oas-examples/3.0/json/circular.json'],
  ['@readme/oas-examples/3.0/json/circular-request-bodies.json'],
  ['@readme/oas-examples/3.0/json/complex-nesting.json'],
  ['@readme/oas-examples/3.0/json/file-uploads.json'],
  ['@readme/oas-examples/3.0/json/http-status-codes.json'],
  ['@readme/oas-examples/3.0/json/parameters-cookies.json'],
  ['@readme/oas-examples/3.0/json/parameters-extreme.json'],
  ['@readme/oas-examples/3.0/json/parameters-style.json'],
  [
    '@readme/oas-examples/3.0/json/petstore.json',
    ['unsupported-media-type', 'unsupported-server-path', 'undated-deprecation'],
  ],
  ['@readme/oas-examples/3.0/json/petstore-simple-no-tags.json'],
  ['@readme/oas-examples/3.0/json/polymorphism.json'],
  ['@readme/oas-examples/3.0/json/readme-legacy.json', ['unsupported-server-path']],
  ['@readme/oas-examples/3.0/json/response-multiple-mediatypes.json'],
  ['@readme/oas-examples/3.0/json/schema-additional-properties.json'],
  ['@readme/oas-examples/3.0/json/schema-enums.json'],
  ['@readme/oas-examples/3.0/json/schema-types.json'],
  ['@readme/oas-examples/3.0/json/schema-visibility.json'],
  ['@readme/oas-examples/3.0/json/star-trek.json', ['unsupported-server-path']],
  ['@readme/oas-examples/3.0/json/uspto.json', ['unsupported-server-path']],
  ['@readme/oas-examples/3.1/json/parameters-style.json'],
  ['@readme/oas-examples/3.1/json/readme.json', ['invalid-document', 'unsupported-server-path']],
  ['@readme/oas-examples/3.1/json/security.json'],
  ['@readme/oas-examples/3.1/json/train-travel.json', ['unsupported-media-type']],
  ['@readme/oas-examples/3.1/json/webhooks.json'],
  [
    '@scalar/galaxy/dist/3.1.json',
    ['unsupported-media-type', 'unsupported-callbacks', 'unsupported-schema-identifier'],
  ],
  ['rclone-openapi/openapi.json'],
];

describe('documents nobody here wrote', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flowpact-corpora-'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(corpora)('%s generates', async (document, skip = []) => {
    const name = document.replace(/\W+/g, '-');
    const contracts = [{ name, spec: join(modules, document), out: join(folder, name), skip }];
    const [output] = await generate({ contracts, runtimeImport }, folder);
    expect([...output!.skipped.keys()].sort()).toEqual([...skip].sort());
    await write(output!);
  });

  test('what they generate type-checks, without any', () => {
    const config = ts.readConfigFile(resolve(modules, '../tsconfig.json'), (path) => ts.sys.readFile(path));
    const { options } = ts.convertCompilerOptionsFromJson(config.config.compilerOptions, modules);
    const program = ts.createProgram({
      rootNames: ts.sys.readDirectory(folder, ['.ts', '.js']),
      options: {
        ...options,
        allowJs: true,
        typeRoots: [join(modules, '@types')],
        incremental: false,
        tsBuildInfoFile: undefined,
      },
    });
    const files = program.getSourceFiles().filter((file) => file.fileName.startsWith(folder));
    expect(files.length).toBeGreaterThan(corpora.length);
    const problems = files.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]);
    expect(
      problems.map(
        (problem) => `${problem.file?.fileName} ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`,
      ),
    ).toEqual([]);
    expect(
      files
        .filter((file) => file.fileName.endsWith('.ts') && /[:<|&(] ?any\b(?! \w)/.test(withoutText(file.text)))
        .map((file) => file.fileName),
    ).toEqual([]);
  });
});

/** Code without comments and strings. */
function withoutText(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|"[^"\n]*"/g, '');
}
