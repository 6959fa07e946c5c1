import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { approval } from '../harness/resources.ts';

const harness = useContractHarness();

describe('listApprovals', () => {
  test('200: by status and execution, by page and by cursor', async () => {
    const fp = harness().sdk();
    const [first, second, third] = [await approval(harness()), await approval(harness()), await approval(harness())];
    await fp.approvals.decline(second);
    const pending = await harness().call('listApprovals', { query: { status: 'pending' } });
    expect(pending.body.data.map(({ id }: { id: string }) => id)).toEqual([third, first]);
    const walked: string[] = [];
    for await (const { id } of fp.approvals.list({ per_page: 1 })) walked.push(id);
    expect(walked).toEqual([third, second, first]);
    const { execution_id } = await fp.approvals.get(first);
    const ofOne = await harness().call('listApprovals', { query: { execution_id } });
    expect(ofOne.body.data).toMatchObject([{ id: first, execution_id, status: 'pending', decided_by: null }]);
    expect((await harness().call('listApprovals', { query: { execution_id: 'none' } })).body.data).toEqual([]);
  });
});

describe('approveApproval, declineApproval', () => {
  test('200: who decided, when, and with what note; the execution goes on', async () => {
    const fp = harness().sdk();
    const approved = await fp.approvals.approve(await approval(harness()), { note: 'Fine.' });
    expect(approved).toMatchObject({ status: 'approved', note: 'Fine.', decided_by: { type: 'api_key' } });
    expect(await fp.approvals.get(approved.id)).toEqual(approved);
    expect(await fp.executions.waitForCompletion(approved.execution_id)).toMatchObject({
      status: 'completed',
      output: { decision: 'approved', note: 'Fine.' },
    });
    const declined = await fp.approvals.decline(await approval(harness()));
    expect(declined).toMatchObject({ status: 'declined', note: null, decided_at: expect.any(String) });
  });

  test('409: decided already', async () => {
    const path = { approval_id: await approval(harness()) };
    await harness().call('declineApproval', { path });
    const { body } = await harness().refused('approveApproval', { path }, 409, 'wait_closed');
    expect(body.error.details).toEqual({ id: path.approval_id, status: 'declined' });
    await harness().refused('declineApproval', { path }, 409, 'wait_closed');
  });

  test('409: its time is over', async () => {
    const path = { approval_id: await approval(harness(), '1s') };
    const { execution_id } = await harness().sdk().approvals.get(path.approval_id);
    await harness().sdk().executions.waitForCompletion(execution_id);
    expect((await harness().call('getApproval', { path })).body.data.status).toBe('expired');
    const { body } = await harness().refused('approveApproval', { path }, 409, 'wait_closed');
    expect(body.error.details.status).toBe('expired');
    const expired = await harness().call('listApprovals', { query: { status: 'expired' } });
    expect(expired.body.data.map(({ id }: { id: string }) => id)).toContain(path.approval_id);
  });

  test('409: the execution was cancelled', async () => {
    const path = { approval_id: await approval(harness()) };
    const { body } = await harness().call('getApproval', { path });
    await harness().call('cancelExecution', { path: { execution_id: body.data.execution_id } });
    const refused = await harness().refused('approveApproval', { path }, 409, 'wait_closed');
    expect(refused.body.error.details.status).toBe('cancelled');
  });

  test('400: a note with a character that cannot be stored', async () => {
    const path = { approval_id: await approval(harness()) };
    await harness().refused('approveApproval', { path, json: { note: 'a\0b' } }, 400, 'validation_error');
  });
});
