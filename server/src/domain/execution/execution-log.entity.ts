import { defineEntity, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import { shortText } from '../stored-json.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

const ExecutionLogSchema = defineEntity({
  name: 'ExecutionLog',
  tableName: 'execution_log',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    executionId: p.text(),
    nodeId: p.text().nullable(),
    attempt: p.integer().nullable(),
    /** Names the line once per execution, so that a run which is resumed logs nothing twice. */
    key: p.text(),
    level: p.enum(logLevels),
    message: p.text(),
    data: p.json<Json>().nullable(),
    /** Its JSON unless it is large, for those who only hand it on. */
    dataText: p.text().nullable().formula(shortText('data')).lazy(),
    hasData: p.boolean().formula('data is not null').lazy(),
    createdAt: p.datetime(3),
  },
  indexes: [{ properties: ['executionId', 'createdAt', 'id'], name: 'execution_log_execution_created' }],
  uniques: [{ properties: ['executionId', 'key'], name: 'execution_log_key' }],
});

/** One line that a workflow or the engine logged. */
export class ExecutionLog extends ExecutionLogSchema.class {}
ExecutionLogSchema.setClass(ExecutionLog);
