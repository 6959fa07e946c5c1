import { DomainError } from '../domain-error.ts';

/** Another channel, perhaps of another organisation, has this address. */
export class ChannelSlugTakenError extends DomainError {
  override readonly code = 'channel_slug_taken';

  constructor(slug: string) {
    super(`Another channel has the slug ${slug}. Choose another, or leave it out to get a free one.`, { slug });
  }
}
