import { DomainError } from '../domain-error.ts';

/** Another form, perhaps of another organisation, has this address. */
export class FormSlugTakenError extends DomainError {
  override readonly code = 'form_slug_taken';

  constructor(slug: string) {
    super(`Another form has the slug ${slug}. Choose another, or leave it out to get a free one.`, { slug });
  }
}
