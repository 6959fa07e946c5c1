// Writes docs/configuration.md from the schema of the environment variables; `--check` fails when the file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { variables } from '../server/src/platform/config/variables.ts';

const file = new URL('../docs/configuration.md', import.meta.url);

/** The page, one row per variable in the order of the schema. */
export function configurationPage(): Promise<string> {
  const rows = Object.entries(variables.shape).map(
    ([name, schema]) => `| \`${name}\` | ${defaultOf(schema)} | ${schema.description} |`,
  );
  return format(
    `<!-- Made by scripts/generate-configuration-docs.ts from server/src/platform/config/variables.ts. Do not edit. -->

# Configuration

The server reads environment variables, checks them all when it starts, and lists everything that is wrong before it exits. An
empty value counts as not set.

| Variable | Default | What it does |
| --- | --- | --- |
${rows.join('\n')}
`,
    { parser: 'markdown', printWidth: 120 },
  );
}

function defaultOf(schema: { safeParse(value: unknown): { success: boolean; data?: unknown } }): string {
  const { data } = schema.safeParse(undefined);
  if (data === undefined) return 'not set';
  if (Array.isArray(data)) return data.length === 0 ? 'none' : `\`${data.join(',')}\``;
  return `\`${String(data)}\``;
}

if (import.meta.main) {
  const page = await configurationPage();
  if (!process.argv.includes('--check')) writeFileSync(file, page);
  else if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write('docs/configuration.md is out of date: run "node scripts/generate-configuration-docs.ts".\n');
    process.exit(1);
  }
}
