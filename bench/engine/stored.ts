/** Fills the tables of the application and of the engine with executions that have ended, each with a step and five events. */
export async function storeFinished(
  query: (text: string) => Promise<Record<string, unknown>[]>,
  count: number,
): Promise<void> {
  const id = `'exec_' || lpad(to_hex(n), 26, '0')`;
  const pattern = `(select * from execution where status = 'completed' order by created_at desc, id desc limit 1) e`;
  const numbers = `generate_series(1, ${count}) n`;
  // PostgreSQL computes generated columns itself.
  const found = await query(`select column_name from information_schema.columns
    where table_schema = 'public' and table_name = 'execution' and is_generated = 'NEVER'`);
  const columns = found.map((column) => `"${String(column['column_name'])}"`);
  await query(`insert into execution (${columns.join(', ')}) select ${columns.map((name) => `r.${name}`).join(', ')}
    from ${pattern}, ${numbers},
      lateral jsonb_populate_record(null::execution, to_jsonb(e) || jsonb_build_object('id', ${id})) r`);
  await query(`insert into step select (jsonb_populate_record(null::step, to_jsonb(s) ||
      jsonb_build_object('id', 'step_' || lpad(to_hex(n), 26, '0'), 'execution_id', ${id}))).*
    from ${pattern} join step s on s.execution_id = e.id, ${numbers}`);
  await query(`insert into execution_event select (jsonb_populate_record(null::execution_event, to_jsonb(v) ||
      jsonb_build_object('id', 'evt_' || lpad(to_hex(n * 10 + v.sequence), 26, '0'), 'execution_id', ${id}))).*
    from ${pattern} join execution_event v on v.execution_id = e.id, ${numbers}`);
  await query(`insert into dbos.workflow_status select (jsonb_populate_record(null::dbos.workflow_status, to_jsonb(r) ||
      jsonb_build_object('workflow_uuid', ${id}, 'completed_at', (extract(epoch from now()) * 1000)::bigint))).*
    from (select * from dbos.workflow_status where status = 'SUCCESS' limit 1) r, ${numbers}`);
}
