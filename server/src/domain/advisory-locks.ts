/**
 * Keys of PostgreSQL's advisory locks, of which a database has one set for all. Each purpose has a number of its own, which no
 * version gives to another purpose: processes of two versions may meet during an upgrade.
 */
export const advisoryLocks = {
  /** Migrations run. */
  migration: 7_236_014_518,
  /** The engine makes its tables. */
  engineLaunch: 7_236_014_519,
  /** The first organisation is made. */
  bootstrap: 7_236_014_520,
  storageSettle: 7_236_014_521,
  storageRecount: 7_236_014_522,
  /** Held for as long as a process does what one process does for all. */
  engineLeader: 7_236_014_523,
} as const;
