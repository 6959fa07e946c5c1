import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { scopeBundles, scopes, type BundleName, type Scope } from '../domain/scope.ts';

/** A parser of one argument or option, which says in words what is wrong with it. */
function parser<Schema extends z.ZodType>(schema: Schema): (text: string) => z.output<Schema> {
  return (text) => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    throw new InvalidArgumentError(`It ${result.error.issues[0]!.message}.`);
  };
}

const storable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const text = (longest: number) =>
  z
    .string()
    .trim()
    .min(1, 'is empty')
    .max(longest, `is longer than ${longest} characters`)
    .refine(storable, 'has a character that cannot be stored');

/** The bounds are those of the contract, whose responses repeat these values. */
export const nameValue = parser(text(200));
export const keyNameValue = parser(text(100));
export const emailValue = parser(z.email('is not an e-mail address').max(254, 'is longer than 254 characters'));
export const numberValue = (highest: number) =>
  parser(
    z
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'is not a whole number above 0')
      .transform(Number)
      .refine((value) => value <= highest, `is more than ${highest}`),
  );

/** The clock time in the zone that it names. */
export const timeValue = parser(
  z.iso
    .datetime({ offset: true, error: 'is not a time such as 2030-12-31T00:00:00Z' })
    .transform((value) => new Date(value)),
);

/** Comma-separated scopes and bundles. */
export const grantsValue = (list: string): (Scope | BundleName)[] => {
  const known: readonly string[] = [...scopes, ...scopeBundles.map(({ name }) => name)];
  const given = list.split(',').map((entry) => entry.trim());
  const strange = given.filter((entry) => !known.includes(entry));
  if (strange.length === 0) return [...new Set(given)] as (Scope | BundleName)[];
  throw new InvalidArgumentError(`${strange.join(', ')} is none of ${known.join(', ')}.`);
};
