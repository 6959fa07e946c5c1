// Writes docs/errors.md from the error schemas of the contract; `--check` fails when the file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { fileURLToPath } from 'node:url';
import { errorCodesOf } from '../codegen/src/forms/error-codes.ts';
import { followRef, partsOf } from '../codegen/src/forms/form.ts';
import type { Contract, MediaType, Response, Schema } from '../codegen/src/ir/index.ts';
import { loadContract } from '../codegen/src/generate.ts';
import { resolveContract } from '../codegen/src/load-config.ts';
import { Problems } from '../codegen/src/problems.ts';
import configuration from '../flowpact.config.ts';

interface CatalogueEntry {
  code: string;
  status: string;
  meaning: string;
  details: string[];
  operations: Set<string>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const file = new URL('../docs/errors.md', import.meta.url);
const mediaType = 'application/json';

function catalogue(contract: Contract, codePointer: string): CatalogueEntry[] {
  const entries = new Map<string, CatalogueEntry>();
  for (const operation of contract.operations) {
    for (const response of operation.responses.filter(({ status }) => /^[45]/.test(status))) {
      for (const entry of entriesOf(contract, response, codePointer)) {
        const key = `${entry.status} ${entry.code}`;
        if (!entries.has(key)) entries.set(key, entry);
        entries.get(key)!.operations.add(operation.operationId!);
      }
    }
  }
  return [...entries.values()].sort((a, b) => a.status.localeCompare(b.status) || a.code.localeCompare(b.code));
}

function entriesOf(contract: Contract, response: Response, codePointer: string): CatalogueEntry[] {
  const media = response.content.find(({ name }) => name === mediaType);
  if (!media?.schema) return [];
  const schema = followRef(contract, media.schema);
  const branches = [...schema.oneOf, ...schema.anyOf];
  return (branches.length > 0 ? branches : [schema]).flatMap((branch) => {
    const content: MediaType[] = [{ ...media, schema: branch }];
    const meaning = (followRef(contract, branch).description ?? response.description).trim();
    const details = namesIn(contract, branch, ['error', 'details']);
    return errorCodesOf(contract, { ...response, content }, { [mediaType]: codePointer }).map((code) => ({
      code,
      status: response.status,
      meaning,
      details,
      operations: new Set<string>(),
    }));
  });
}

/** The properties that a value has which lies at the path below the schema. */
function namesIn(contract: Contract, schema: Schema, [name, ...rest]: readonly string[]): string[] {
  const properties = partsOf(contract, schema).flatMap((part) => part.properties);
  if (name === undefined) return properties.map((property) => property.name);
  return properties
    .filter((property) => property.name === name)
    .flatMap((property) => namesIn(contract, property.schema, rest));
}

function print(entries: readonly CatalogueEntry[], total: number): string {
  const rows = entries.map((entry) => {
    const { operations, status } = entry;
    const where = operations.size > 6 ? `${operations.size} of ${total}` : [...operations].join(', ');
    const details = entry.details.map((name) => `\`${name}\``).join(', ');
    const meaning = entry.meaning.replaceAll('\n', ' ');
    return `| \`${entry.code}\` | ${status} ${STATUS_CODES[status] ?? ''} | ${meaning} | ${details} | ${where} |`;
  });
  return [
    '# Errors',
    '',
    '<!-- @generated from spec/platform/openapi.yaml by `npm run docs:errors`. Do not edit. -->',
    '',
    'Every error is `{ "error": { "code", "message", "details" }, "meta" }`, or with `Accept: application/problem+json` a problem of',
    'RFC 9457 with the same `code` and `details`. Codes are never renamed; messages may change.',
    '',
    '| code | status | meaning | details | operations |',
    '| ---- | ------ | ------- | ------- | ---------- |',
    ...rows,
    '',
  ].join('\n');
}

const declared = configuration.contracts.find(({ name }) => name === 'platform')!;
const platform = resolveContract(declared, configuration, root);
const contract = await loadContract(platform, new Problems());
const page = print(catalogue(contract, platform.errorCode[mediaType]!), contract.operations.length);
if (!process.argv.includes('--check')) writeFileSync(file, page);
else if (readFileSync(file, 'utf8') !== page) {
  process.stderr.write(
    'docs/errors.md does not match the contract: run "npm run docs:errors" and commit the result.\n',
  );
  process.exit(1);
}
