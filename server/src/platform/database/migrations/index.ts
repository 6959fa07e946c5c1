import type { MigrationObject } from '@mikro-orm/core';

/** Every migration in the order in which they run; listed by hand so that they are found from the source and from `dist/` alike. */
export const migrations: MigrationObject[] = [];
