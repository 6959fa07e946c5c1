import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ResponseText } from '../execution/execution-queries.ts';
import type { ExecutionStatus } from '../execution/execution.entity.ts';
import { isTerminal } from '../execution/execution.entity.ts';
import { LiveChannel } from '../execution/live-channel.ts';
import { type PreparedQuery, runPrepared } from '../prepared-query.ts';

/** What an execution has to say to who started it. */
export type HookAnswer =
  | { readonly kind: 'response'; readonly response: ResponseText }
  /** As JSON. */
  | { readonly kind: 'output'; readonly output: string }
  /** It failed or was cancelled. */
  | { readonly kind: 'failure'; readonly status: ExecutionStatus; readonly code: string | null };

/** How often a waiter looks for himself, should news get lost. */
const lookInterval = 2_000;

/** Waits for what executions say. */
@Injectable()
export class HookAnswers {
  constructor(
    private readonly orm: MikroORM,
    private readonly live: LiveChannel,
  ) {}

  /**
   * What the first `respond` node says, if one is waited for, or else the output once the execution has ended. Undefined
   * when neither came within `milliseconds`, or before the one who waits went away.
   */
  async wait(
    { id, organisationId }: { id: string; organisationId: string },
    { untilResponse, milliseconds, signal }: { untilResponse: boolean; milliseconds: number; signal: AbortSignal },
  ): Promise<HookAnswer | undefined> {
    const deadline = Date.now() + milliseconds;
    let news = Promise.withResolvers<void>();
    const unsubscribe = this.live.subscribe(id, (ended) => (untilResponse || ended !== false) && news.resolve());
    const leave = (): void => news.resolve();
    signal.addEventListener('abort', leave);
    try {
      for (;;) {
        const [row] = await runPrepared<AnswerRow>(this.orm.em, selectAnswer, [id, organisationId]);
        const answer = row && answerOf(row, untilResponse);
        const left = deadline - Date.now();
        if (answer || left <= 0 || signal.aborted) return answer;
        await within(news.promise, Math.min(left, lookInterval));
        news = Promise.withResolvers<void>();
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', leave);
    }
  }
}

interface AnswerRow {
  status: ExecutionStatus;
  response: Omit<ResponseText, 'body'> | null;
  body: string;
  output: string | null;
  code: string | null;
  /** Whether the workflow says what its output is. */
  shaped: boolean;
  last_output: string | null;
}

/** Without an `output` of the workflow, it is the output of the node that ended last; nodes in the bodies of others do not count. */
const selectAnswer: PreparedQuery = {
  name: 'flowpact_hook_answer',
  text: `
  select e.status, e.response - 'body' as response, (e.response->'body')::text as body, e.error->>'code' as code,
    case when e.status = 'completed' then e.output::text end as output,
    e.status = 'completed' and coalesce(
      (select d.definition ? 'output' from definition_snapshot d
       where d.organisation_id = e.organisation_id and d.hash = e.definition_hash), false) as shaped,
    case when e.status = 'completed' then
      (select s.output::text from step s where s.execution_id = e.id and s.status = 'completed'
         and s.node_id ~ '^[a-z][a-z0-9_]*$'
       order by s.completed_at desc, s.id desc limit 1) end as last_output
  from execution e where e.id = $1 and e.organisation_id = $2`,
};

function answerOf(row: AnswerRow, untilResponse: boolean): HookAnswer | undefined {
  if (untilResponse && row.response) return { kind: 'response', response: { ...row.response, body: row.body } };
  if (!isTerminal(row.status)) return undefined;
  if (row.status !== 'completed') return { kind: 'failure', status: row.status, code: row.code };
  return { kind: 'output', output: (row.shaped ? row.output : row.last_output) ?? 'null' };
}

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
