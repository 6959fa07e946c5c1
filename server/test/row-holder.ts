import { createOrm } from '../src/platform/database/orm.ts';
import { isPassing } from '../src/domain/passing-error.ts';

/**
 * A process that renames an organisation and stands in mid-transaction: `node row-holder.ts <database url> <organisation> <ms>`.
 * It says `holding`, commits when it is told anything, and says `committed`, or `lost` when its transaction is gone, or
 * what else went wrong.
 */
const [url, organisation, standstill] = process.argv.slice(2) as [string, string, string];

const orm = await createOrm({ url, standstill: Number(standstill) });
const told = new Promise((resolve) => process.once('message', resolve));
const outcome = await orm.em
  .fork()
  .transactional(async (em) => {
    await em.execute(`update organisation set name = 'Held' where id = ?`, [organisation]);
    process.send!('holding');
    await told;
    await em.execute(`update organisation set name = 'Held to the end' where id = ?`, [organisation]);
  })
  .then(
    () => 'committed',
    (error: unknown) => (isPassing(error) ? 'lost' : String(error)),
  );
process.send!(outcome);
await orm.close(true);
process.disconnect();
