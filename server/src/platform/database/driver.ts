import { type Configuration, PostgreSqlConnection, PostgreSqlDriver } from '@mikro-orm/postgresql';

/** MikroORM's driver, with arrays that hold any text and transactions that give back connections that were lost. */
export class Driver extends PostgreSqlDriver {
  constructor(config: Configuration) {
    super(config);
    this.platform.marshallArray = marshallArray;
    const connection = this.getConnection() as PostgreSqlConnection;
    const createDialect = connection.createKyselyDialect.bind(connection);
    connection.createKyselyDialect = (overrides) => givingLostConnectionsBack(createDialect(overrides));
  }
}

/**
 * The text form of an array (PostgreSQL, "Array Input and Output Syntax"). MikroORM's own leaves `null` and white space
 * without quotation marks, which are then no text or nothing at all, and writes a line break as `n`.
 */
export function marshallArray(values: readonly unknown[]): string {
  return `{${values.map((value) => `"${String(value).replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`;
}

type Dialect = ReturnType<PostgreSqlConnection['createKyselyDialect']>;

/**
 * Kysely 0.29 returns the connection of a transaction to the pool after a commit or a rollback that went well. One that
 * cannot begin or roll back, since its connection is lost, would be counted as in use for ever
 * (https://github.com/kysely-org/kysely/issues/1990): the pool would run out of connections with every outage of the
 * database, and never come to its end.
 */
function givingLostConnectionsBack(dialect: Dialect): Dialect {
  const createDriver = dialect.createDriver.bind(dialect);
  dialect.createDriver = () => {
    const driver = createDriver();
    for (const name of ['beginTransaction', 'rollbackTransaction'] as const) {
      const attempt = driver[name].bind(driver) as (...given: unknown[]) => Promise<void>;
      driver[name] = async (...given: Parameters<(typeof driver)[typeof name]>): Promise<void> => {
        try {
          await attempt(...given);
        } catch (error) {
          // The pool throws away what is no longer connected.
          await driver.releaseConnection(given[0]);
          throw error;
        }
      };
    }
    return driver;
  };
  return dialect;
}
