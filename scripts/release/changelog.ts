/** The changelog: one section for each release, the newest first. */
import { format, resolveConfig } from 'prettier';
import type { Change } from './commits.ts';

const head = `# Changelog

What users notice, by release; \`npm run release\` writes it from the [Conventional Commits](https://www.conventionalcommits.org).
`;

const groups: readonly (readonly [title: string, types: readonly string[]])[] = [
  ['Features', ['feat']],
  ['Fixes', ['fix']],
  ['Performance', ['perf']],
  ['Reverts', ['revert']],
];

/** The section of a release in Markdown: what breaks first, then by kind, each kind by scope. */
export function sectionOf(version: string, date: string, changes: readonly Change[]): string {
  const breaking = changes.filter((change) => change.breaking !== undefined);
  const parts = [
    part(
      'Breaking changes',
      breaking.map((change) => ({ ...change, subject: change.breaking! })),
    ),
    ...groups.map(([title, types]) =>
      part(
        title,
        changes.filter(({ type }) => types.includes(type)),
      ),
    ),
  ];
  return `## ${version} (${date})\n\n${parts.join('')}`;
}

/** The changelog with the section on top, in place of one that was written for the same version before. */
export async function withSection(changelog: string | undefined, version: string, section: string): Promise<string> {
  const released = (changelog ?? '').split(/^(?=## )/m).slice(1);
  const others = released.filter((text) => !text.startsWith(`## ${version} `));
  const config = await resolveConfig(import.meta.filename);
  return format([head, section, ...others].join('\n'), { ...config, parser: 'markdown' });
}

function part(title: string, changes: readonly Change[]): string {
  if (changes.length === 0) return '';
  const lines = changes.toSorted((a, b) => compare(a.scope ?? '', b.scope ?? '')).map(lineOf);
  return `### ${title}\n\n${lines.join('\n')}\n\n`;
}

function lineOf({ scope, subject, hash }: Change): string {
  return `- ${scope === undefined ? '' : `**${scope}**: `}${escaped(subject)} (${hash.slice(0, 7)})`;
}

/** What Markdown would take for its own, outside of code. */
function escaped(text: string): string {
  return text.replaceAll(/`[^`]*`|[\\`*_<>[\]]/g, (match) => (match.length > 1 ? match : `\\${match}`));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
