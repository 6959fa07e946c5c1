import { randomBase62 } from './secret.ts';

/** An address for what names none: its name, and a few letters that make it unlike any other. */
export function slugFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, '');
  return [words || 'unnamed', randomBase62(8).toLowerCase()].join('-');
}
