/** Follows references from a node of the document; the result knows the file that it stands in. */
export function resolved(ctx, node, from = ctx.location.source.absoluteRef) {
  if (!node?.$ref) return { node, from };
  const target = ctx.resolve(node, from);
  if (!target.location) return { node: undefined, from };
  return resolved(ctx, target.node, target.location.source.absoluteRef);
}

/** The responses of an operation with references followed: `[{ status, response, from }]`. */
export function responsesOf(ctx, operation) {
  return Object.entries(operation.responses ?? {}).map(([status, reference]) => {
    const { node, from } = resolved(ctx, reference);
    return { status, response: node ?? {}, from };
  });
}

/** The parameters of an operation with references followed. */
export function parametersOf(ctx, operation) {
  return (operation.parameters ?? []).map((reference) => resolved(ctx, reference).node ?? {});
}

/** True for an operation that repeats a stored response for a known `Idempotency-Key`. */
export function isIdempotent(ctx, operation) {
  return parametersOf(ctx, operation).some(({ in: place, name }) => place === 'header' && name === 'Idempotency-Key');
}

/** True for one of the statuses that mean success. */
export function isSuccess(status) {
  return status.startsWith('2');
}
