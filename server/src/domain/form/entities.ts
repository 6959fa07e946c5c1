import { FormSubmission } from './form-submission.entity.ts';
import { Form } from './form.entity.ts';

export const formEntities = [Form, FormSubmission];
