import {
  BaseResolver,
  type Config,
  type NormalizedProblem,
  type Source,
  YamlParseError,
  bundle,
  createConfig,
  getLineColLocation,
  lint,
} from '@redocly/openapi-core';
import type { SourceLocation } from '../ir/location.ts';
import { type JsonObject, isObject } from '../json.ts';
import type { Problem, Problems } from '../problems.ts';
import { Locations, displayPath } from './locations.ts';
import { extensionTypes } from './redocly-plugin.ts';
import { upgradeDocument } from './upgrade-document.ts';

export interface LoadedDocument {
  /** One OpenAPI 3.1 document; every `$ref` in it points into itself. */
  readonly document: JsonObject;
  /** Path of the root file, relative to the working directory. */
  readonly source: string;
  /** `pointer` is one into `document`. */
  locate(pointer: string): SourceLocation;
}

/**
 * Reads a document of one or many files and bundles it. Throws a `GeneratorError` when a file cannot be read, a
 * reference leads nowhere, the structure breaks the specification or its version is not 3.0 or 3.1.
 */
export async function loadDocument(file: string, directory: string, problems: Problems): Promise<LoadedDocument> {
  const config = await createConfig(
    { rules: { struct: 'error', 'no-unresolved-refs': 'error' } },
    { plugins: [extensionTypes] },
  );
  await checkStructure(file, config, directory, problems);
  const resolver = new BaseResolver(config.resolve);
  const bundled = await bundle({ ref: file, config, externalRefResolver: resolver });
  for (const problem of bundled.problems) {
    if (problem.severity === 'error') problems.add(toProblem(problem, directory));
  }
  problems.throwIfAny();
  const locations = new Locations(
    bundled.bundle.source,
    bundled.bundle.parsed,
    resolver,
    await sourcesOf(resolver),
    directory,
  );
  const source = displayPath(file, directory);
  const locate = (pointer: string): SourceLocation => locations.locate(pointer);
  return { document: withOpenApiVersion(bundled.bundle.parsed, locate, problems), source, locate };
}

async function checkStructure(file: string, config: Config, directory: string, problems: Problems): Promise<void> {
  let found: NormalizedProblem[];
  try {
    found = await lint({ ref: file, config });
  } catch (cause) {
    problems.add(unreadable(cause, file, directory));
    problems.throwIfAny();
    return;
  }
  for (const problem of found) {
    if (problem.severity !== 'error' || problem.ignored) continue;
    if (problem.ruleId === 'struct') problems.unsupported(toProblem(problem, directory));
    else problems.add(toProblem(problem, directory));
  }
  problems.throwIfAny();
}

function unreadable(cause: unknown, file: string, directory: string): Problem {
  const code = 'unreadable-document';
  if (cause instanceof YamlParseError) {
    const message = cause.originalError.message.split('\n', 1)[0]!.replace(/ in ".*$/, '');
    const location = { file: displayPath(cause.source.absoluteRef, directory), line: cause.line, column: cause.col };
    return { code, message, location, hint: 'the file must be JSON or YAML' };
  }
  const message = `cannot read ${displayPath(file, directory)}: ${relativeTo(directory, (cause as Error).message)}`;
  return { code, message, hint: 'the path is relative to the configuration file' };
}

/** A message with the paths below a folder made relative to it. */
function relativeTo(directory: string, message: string): string {
  return message.replaceAll(`${directory}/`, '');
}

async function sourcesOf(resolver: BaseResolver): Promise<ReadonlyMap<string, Source>> {
  const sources = new Map<string, Source>();
  for (const [absolute, loading] of resolver.cache) {
    const loaded = await loading;
    if ('source' in loaded && loaded.source) sources.set(absolute, loaded.source);
  }
  return sources;
}

const CODES: Readonly<Record<string, string>> = {
  struct: 'invalid-document',
  'no-unresolved-refs': 'unresolved-reference',
  bundler: 'unresolved-reference',
};

/** A problem that Redocly found, as one of ours. */
export function toProblem(problem: NormalizedProblem, directory: string): Problem {
  const [first] = problem.location;
  const place = first && getLineColLocation(first);
  return {
    code: CODES[problem.ruleId] ?? problem.ruleId,
    message: relativeTo(directory, problem.message.trim()),
    ...(place && {
      location: {
        file: displayPath(place.source.absoluteRef, directory),
        line: place.start.line,
        column: place.start.col,
      },
    }),
    ...(problem.suggest.length > 0 && { hint: `use ${problem.suggest.join(' or ')}` }),
  };
}

function withOpenApiVersion(parsed: unknown, locate: LoadedDocument['locate'], problems: Problems): JsonObject {
  const document = isObject(parsed) ? parsed : {};
  const version = String(document['openapi'] ?? document['swagger'] ?? 'unknown');
  const dialect = document['jsonSchemaDialect'];
  if (version.startsWith('3.1.') && isKnownDialect(dialect)) return document;
  if (version.startsWith('3.0.')) return upgradeDocument(document);
  problems.add(
    version.startsWith('3.1.')
      ? {
          code: 'unsupported-schema-dialect',
          message: `jsonSchemaDialect is ${String(dialect)}`,
          location: locate('/jsonSchemaDialect'),
          hint: 'leave jsonSchemaDialect out: schemas are read as JSON Schema 2020-12',
        }
      : {
          code: 'unsupported-openapi-version',
          message: `the document is of version ${version}; supported are OpenAPI 3.0 and 3.1`,
          location: locate('swagger' in document ? '/swagger' : '/openapi'),
          hint: 'convert the document to OpenAPI 3.1',
        },
  );
  problems.throwIfAny();
  return document;
}

function isKnownDialect(dialect: unknown): boolean {
  return (
    dialect === undefined ||
    dialect === 'https://json-schema.org/draft/2020-12/schema' ||
    dialect === 'https://spec.openapis.org/oas/3.1/dialect/base'
  );
}
