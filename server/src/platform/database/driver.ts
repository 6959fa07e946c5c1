import { type Configuration, PostgreSqlDriver } from '@mikro-orm/postgresql';

/** MikroORM's driver, with arrays that hold any text. */
export class Driver extends PostgreSqlDriver {
  constructor(config: Configuration) {
    super(config);
    this.platform.marshallArray = marshallArray;
  }
}

/**
 * The text form of an array (PostgreSQL, "Array Input and Output Syntax"). MikroORM's own leaves `null` and white space
 * without quotation marks, which are then no text or nothing at all, and writes a line break as `n`.
 */
export function marshallArray(values: readonly unknown[]): string {
  return `{${values.map((value) => `"${String(value).replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`;
}
