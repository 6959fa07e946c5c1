import stopPostgres from '../../server/test/stop-postgres.ts';
import { discardContract } from './prepared-contract.ts';

/** jest globalTeardown of the contract tests. */
export default async function tearDown(): Promise<void> {
  discardContract();
  await stopPostgres();
}
