import type { ApiCaller } from '../contract-harness.ts';
import type { TagRequests } from './tag-requests.ts';

/** The fields of the examples of the contract. */
export const CONTACT = [
  { name: 'name', type: 'text', label: 'Your name', required: true, max_length: 100 },
  { name: 'email', type: 'email', label: 'Email address', required: true },
  {
    name: 'topic',
    type: 'select',
    label: 'What is it about?',
    options: [
      { value: 'sales', label: 'Sales' },
      { value: 'support', label: 'Support' },
    ],
  },
  { name: 'message', type: 'textarea', label: 'Message', max_length: 2000 },
];

export const ANSWERS = { name: 'Ada', email: 'ada@example.com' };

export const forms: TagRequests = {
  async good(harness) {
    const path = await publishedForm(harness);
    const { body } = await harness.call('submitForm', { path, json: { data: ANSWERS } });
    const submission = { ...path, submission_id: body.data.id as string };
    return {
      listForms: {},
      createForm: { json: { name: 'Matrix' } },
      getForm: { path },
      updateForm: { path, json: { name: 'Matrix' } },
      deleteForm: { path },
      publishForm: { path },
      unpublishForm: { path },
      exportFormSubmissions: { path },
      listFormSubmissions: { path },
      submitForm: { path, json: { data: ANSWERS } },
      getFormSubmission: { path: submission },
      deleteFormSubmission: { path: submission },
    };
  },
  shared: ['submitForm'],
  writes: ['form', 'form_submission'],
  idempotent: {
    createForm: async () => ({ first: { json: { name: 'A' } }, other: { name: 'B' } }),
    submitForm: async (harness) => ({
      first: { path: await publishedForm(harness), json: { data: ANSWERS } },
      other: { data: { ...ANSWERS, name: 'Grace' } },
    }),
  },
  around: {
    async updateForm(harness, { revision: _invented, ...changes }) {
      return { path: await publishedForm(harness), json: changes };
    },
    submitForm: async (harness) => ({ path: await publishedForm(harness) }),
  },
};

/** Makes and publishes a form. */
export async function publishedForm(
  harness: ApiCaller,
  more: Record<string, unknown> = {},
): Promise<{ form_id: string }> {
  const { body } = await harness.call('createForm', { json: { name: 'Contact', fields: CONTACT, ...more } });
  const path = { form_id: body.data.id as string };
  await harness.call('publishForm', { path });
  return path;
}
