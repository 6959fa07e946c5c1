import { defineEntity, p } from '@mikro-orm/core';

const MasterKeyRecordSchema = defineEntity({
  name: 'MasterKeyRecord',
  tableName: 'master_key',
  properties: {
    id: p.text().primary(),
    /** A known text under this key, by which another key of the same id is told apart. */
    proof: p.blob(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A master key that values in this database may be sealed under; the key itself is not here. */
export class MasterKeyRecord extends MasterKeyRecordSchema.class {}

MasterKeyRecordSchema.setClass(MasterKeyRecord);
