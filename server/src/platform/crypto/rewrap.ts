import type { MikroORM } from '@mikro-orm/postgresql';
import { SealedColumn } from '../../domain/sealer.ts';
import { MasterKeyRecord } from './master-key.entity.ts';
import { MasterKeySealer } from './master-key-sealer.ts';
import type { MasterKey } from './master-keys.ts';

/** Values that are read at once. */
const batchSize = 500;

/** How many values each table holds, and how many of them have now been put under the newest key. */
export interface Rewrapped {
  readonly table: string;
  readonly column: string;
  readonly values: number;
  readonly rewrapped: number;
}

/**
 * Puts every sealed value of the database under the newest master key, and forgets the former ones, which can then be taken
 * out of the configuration. It may be stopped and started again, and servers that know both keys may run meanwhile.
 */
export async function rewrapAll(orm: MikroORM, keys: readonly MasterKey[], batch = batchSize): Promise<Rewrapped[]> {
  const sealer = new MasterKeySealer(keys);
  const done: Rewrapped[] = [];
  for (const column of sealedColumns(orm)) done.push(await rewrapColumn(orm, sealer, column, batch));
  const formerKeys = keys.slice(1).map(({ id }) => id);
  await orm.em.fork().nativeDelete(MasterKeyRecord, { id: { $in: formerKeys } });
  return done;
}

interface Column {
  readonly table: string;
  readonly column: string;
  readonly primaryKeys: readonly string[];
}

function sealedColumns(orm: MikroORM): Column[] {
  return [...orm.getMetadata().getAll().values()].flatMap((entity) =>
    entity.props
      .filter(({ customType }) => customType instanceof SealedColumn)
      .map(({ fieldNames }) => ({
        table: entity.tableName,
        column: fieldNames[0]!,
        primaryKeys: entity.getPrimaryProps().flatMap((key) => key.fieldNames),
      })),
  );
}

async function rewrapColumn(orm: MikroORM, sealer: MasterKeySealer, target: Column, batch: number): Promise<Rewrapped> {
  const { table, column, primaryKeys } = target;
  const [name, ...keys] = [column, ...primaryKeys].map((each) => `"${each}"`);
  let after: unknown[] | undefined;
  let [values, rewrapped] = [0, 0];
  for (;;) {
    const rows: Record<string, unknown>[] = await orm.em.fork().execute(
      `select ${name}, ${keys.join(', ')} from "${table}" where ${name} is not null
         ${after ? `and (${keys.join(', ')}) > (${keys.map(() => '?').join(', ')})` : ''}
         order by ${keys.join(', ')} limit ${batch}`,
      after,
    );
    for (const row of rows) {
      const sealed = row[column] as Buffer;
      const wrapped = sealer.rewrap(sealed);
      if (!wrapped) continue;
      // A value that was replaced meanwhile is under the newest key already.
      const identity = primaryKeys.map((key) => row[key]);
      await orm.em
        .fork()
        .execute(
          `update "${table}" set ${name} = ? where ${keys.map((key) => `${key} = ?`).join(' and ')} and ${name} = ?`,
          [wrapped, ...identity, sealed],
        );
      rewrapped += 1;
    }
    values += rows.length;
    if (rows.length < batch) return { table, column, values, rewrapped };
    after = primaryKeys.map((key) => rows.at(-1)![key]);
  }
}
