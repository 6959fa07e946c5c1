// Writes docs/errors.md from the error schemas of the contract; with --check it only says whether the file is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { fileURLToPath } from 'node:url';
import { bundle, createConfig } from '@redocly/openapi-core';

type Node = Record<string, unknown>;

interface CatalogueEntry {
  code: string;
  status: string;
  meaning: string;
  details: string[];
  operations: Set<string>;
}

const CONTRACT = fileURLToPath(new URL('../spec/platform/openapi.yaml', import.meta.url));
const CATALOGUE = fileURLToPath(new URL('../docs/errors.md', import.meta.url));

const { bundle: bundled } = await bundle({ ref: CONTRACT, config: await createConfig({}) });
const document = bundled.parsed as Node;

function resolve(node: unknown): Node {
  let current = node as Node;
  while (typeof current?.['$ref'] === 'string') {
    const path = (current['$ref'] as string).slice(2).split('/');
    current = path.reduce<Node>((parent, key) => parent[key] as Node, document);
  }
  return current;
}

function property(schema: unknown, name: string): Node {
  return resolve((resolve(schema)?.['properties'] as Node | undefined)?.[name]);
}

function collect(): CatalogueEntry[] {
  const entries = new Map<string, CatalogueEntry>();
  for (const item of Object.values(document['paths'] as Record<string, Node>)) {
    for (const operation of Object.values(item)) {
      const { operationId, responses } = operation as { operationId?: string; responses?: Node };
      if (!operationId) continue;
      for (const [status, response] of Object.entries(responses ?? {})) {
        if (/^[45]/.test(status)) addCodes(entries, operationId, status, resolve(response));
      }
    }
  }
  return [...entries.values()].sort((a, b) => a.status.localeCompare(b.status) || a.code.localeCompare(b.code));
}

function addCodes(entries: Map<string, CatalogueEntry>, operationId: string, status: string, response: Node): void {
  const media = (response['content'] as Record<string, Node> | undefined)?.['application/json'];
  if (!media) return;
  const schema = resolve(media['schema']);
  for (const branch of (schema['oneOf'] ?? schema['anyOf'] ?? [schema]) as Node[]) {
    const error = property(branch, 'error');
    const code = property(error, 'code');
    const details = Object.keys((property(error, 'details')?.['properties'] as Node | undefined) ?? {});
    const codes = code['const'] === undefined ? (code['enum'] as string[]) : [code['const'] as string];
    for (const name of codes) {
      const entry = entries.get(`${status} ${name}`) ?? {
        code: name,
        status,
        meaning: String(resolve(branch)['description'] ?? response['description']).trim(),
        details,
        operations: new Set<string>(),
      };
      entry.operations.add(operationId);
      entries.set(`${status} ${name}`, entry);
    }
  }
}

function print(entries: readonly CatalogueEntry[], total: number): string {
  const rows = entries.map((entry) => {
    const operations =
      entry.operations.size > 6 ? `${entry.operations.size} of ${total}` : [...entry.operations].join(', ');
    const details = entry.details.map((name) => `\`${name}\``).join(', ');
    return `| \`${entry.code}\` | ${entry.status} ${STATUS_CODES[Number(entry.status)] ?? ''} | ${entry.meaning.replaceAll('\n', ' ')} | ${details} | ${operations} |`;
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

const total = Object.values(document['paths'] as Record<string, Node>).flatMap((item) =>
  Object.values(item).filter((operation) => (operation as Node)['operationId']),
).length;
const text = print(collect(), total);
if (process.argv.includes('--check')) {
  let current = '';
  try {
    current = readFileSync(CATALOGUE, 'utf8');
  } catch {
    // A missing file is a stale one.
  }
  if (current !== text) {
    console.error('docs/errors.md does not match the contract. Run npm run docs:errors and commit the result.');
    process.exitCode = 1;
  }
} else {
  writeFileSync(CATALOGUE, text);
}
