import { isSuccess, responsesOf } from './resolve.js';

/** Every error comes in each of the media types `types`, and in no other. */
export function ErrorMediaTypes({ types }) {
  return {
    // What the platform itself sends (`webhooks`) is answered by others.
    Paths: {
      Operation(operation, ctx) {
        for (const { status, response } of responsesOf(ctx, operation)) {
          if (isSuccess(status)) continue;
          const found = Object.keys(response.content ?? {});
          if (found.length === types.length && types.every((type) => found.includes(type))) continue;
          ctx.report({
            message: `The ${status} response must come as ${types.join(' and ')}, and as nothing else.`,
            location: ctx.location.child(['responses', status]),
          });
        }
      },
    },
  };
}
