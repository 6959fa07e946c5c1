import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { main } from '../src/cli.ts';

const broken = relative(process.cwd(), resolve(import.meta.dirname, 'fixtures/broken'));

/** What the CLI says about a document that it cannot generate from. */
async function errorsOf(file: string, ...more: readonly string[]): Promise<{ code: number; text: string }> {
  const out = await mkdtemp(join(tmpdir(), 'flowpact-'));
  let text = '';
  const streams = { out: () => undefined, err: (chunk: string) => void (text += chunk) };
  try {
    const code = await main(['generate', '--spec', join(broken, file), '--out', out, ...more], streams);
    return { code, text: text.replaceAll(`${broken}/`, '') };
  } finally {
    await rm(out, { recursive: true });
  }
}

describe('the errors of a contract name place, reason and remedy', () => {
  test('all of them are collected', async () => {
    expect(await errorsOf('everything-wrong.yaml')).toEqual({
      code: 1,
      text: `everything-wrong.yaml:5:5 error undeclared-path-parameter: GET /pets/{pet_id} does not declare the path parameter pet_id
  hint: add {name: pet_id, in: path, required: true, schema: {type: string}}
everything-wrong.yaml:5:5 error unknown-security-scheme: GET /pets/{pet_id} requires Missing, which is not declared
  hint: declare it under components.securitySchemes
everything-wrong.yaml:6:7 error invalid-extension: x-rate-limit is 7
  hint: it must be the name of a class
everything-wrong.yaml:7:7 error invalid-extension: x-pagination is "pages"
  hint: it must be page, cursor or both
everything-wrong.yaml:11:11 error unused-path-parameter: GET /pets/{pet_id} has no {other}
  hint: remove the parameter or name it in the path
everything-wrong.yaml:12:38 error invalid-parameter-style: style simple is not defined for parameters in query
  hint: use form, spaceDelimited, pipeDelimited, deepObject
everything-wrong.yaml:17:13 error unsupported-media-type: no encoding is known for application/xml
  hint: describe the body as a string, or use JSON, or add 'unsupported-media-type' to "skip" in the configuration to generate without it
everything-wrong.yaml:19:7 error unsupported-callbacks: callbacks are not generated
  hint: describe what the server sends under webhooks, or add 'unsupported-callbacks' to "skip" in the configuration to generate without it
everything-wrong.yaml:24:7 error unsupported-schema-identifier: $anchor is not supported
  hint: reference schemas by their place, #/components/schemas/Name, or add 'unsupported-schema-identifier' to "skip" in the configuration to generate without it
everything-wrong.yaml:27:7 error unsupported-pattern: (?<name is not a regular expression of ECMA-262 with the u flag
  hint: rewrite the pattern, or add 'unsupported-pattern' to "skip" in the configuration to generate without it

10 errors
`,
    });
  });

  test('a reference that leads nowhere', async () => {
    expect(await errorsOf('unresolved.yaml')).toEqual({
      code: 1,
      text: `unresolved.yaml:11:23 error unresolved-reference: Can't resolve $ref
unresolved.yaml:12:16 error unresolved-reference: Can't resolve $ref: ENOENT: no such file or directory 'missing.yaml'

2 errors
`,
    });
  });

  test('a document that breaks the specification', async () => {
    expect(await errorsOf('structure.yaml')).toEqual({
      code: 1,
      text: `structure.yaml:7:9 error invalid-document: The field \`description\` must be present on this level.
  hint: change the contract, or add 'invalid-document' to "skip" in the configuration to generate without it
structure.yaml:8:11 error invalid-document: Property \`descripion\` is not expected here.
  hint: use description, or add 'invalid-document' to "skip" in the configuration to generate without it

2 errors
`,
    });
  });

  test('a file that is not YAML', async () => {
    expect(await errorsOf('syntax.yaml')).toEqual({
      code: 1,
      text: `syntax.yaml:3:1 error unreadable-document: deficient indentation
  hint: the file must be JSON or YAML

1 error
`,
    });
  });

  test('a file that does not exist', async () => {
    expect(await errorsOf('nothing.yaml')).toEqual({
      code: 1,
      text: `error unreadable-document: cannot read nothing.yaml: ENOENT: no such file or directory 'nothing.yaml'
  hint: the path is relative to the configuration file

1 error
`,
    });
  });

  test('Swagger 2', async () => {
    expect(await errorsOf('swagger.json')).toEqual({
      code: 1,
      text: `swagger.json:1:3 error unsupported-openapi-version: the document is of version 2.0; supported are OpenAPI 3.0 and 3.1
  hint: convert the document to OpenAPI 3.1

1 error
`,
    });
  });

  test('another schema dialect', async () => {
    expect(await errorsOf('dialect.yaml')).toEqual({
      code: 1,
      text: `dialect.yaml:2:1 error unsupported-schema-dialect: jsonSchemaDialect is http://json-schema.org/draft-04/schema#
  hint: leave jsonSchemaDialect out: schemas are read as JSON Schema 2020-12

1 error
`,
    });
  });

  test('a schema that cannot be compiled', async () => {
    expect(await errorsOf('invalid-schema.yaml', '--skip', 'invalid-document')).toEqual({
      code: 1,
      text: `error invalid-schema: a schema in response form does not compile: schema is invalid: data/definitions/getPets200Body/minItems must be >= 0
  hint: the name after $defs or definitions says which

1 error
`,
    });
  });
});
