import startPostgres from '../../server/test/start-postgres.ts';
import { prepareContract } from './prepared-contract.ts';

/** jest globalSetup of the contract tests: a PostgreSQL and the contract, each once per run. */
export default async function setUp(): Promise<void> {
  await Promise.all([startPostgres(), prepareContract()]);
}
