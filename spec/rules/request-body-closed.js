import { resolved } from './resolve.js';

/** The object in a request body takes no undeclared property at its top. */
export function RequestBodyClosed() {
  return {
    RequestBody: {
      MediaType(mediaType, ctx) {
        const schema = resolved(ctx, mediaType.schema).node;
        if (schema?.type !== 'object' || schema.additionalProperties === false) return;
        if (schema.unevaluatedProperties === false) return;
        ctx.report({
          message: 'Close the object of a request body with `additionalProperties: false`.',
          location: ctx.location.child('schema'),
        });
      },
    },
  };
}
