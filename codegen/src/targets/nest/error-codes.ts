import { type CodePointers, errorCodesOf } from '../../forms/error-codes.ts';
import type { Contract, Operation } from '../../ir/index.ts';

/**
 * Error codes of an operation with the status each travels under, from its responses with a definite 4xx or 5xx status.
 * The first status that declares a code keeps it.
 */
export function errorCodes(
  contract: Contract,
  operation: Operation,
  pointers: CodePointers,
): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const response of operation.responses) {
    if (!/^[45]\d\d$/.test(response.status)) continue;
    for (const code of errorCodesOf(contract, response, pointers)) {
      if (!codes.has(code)) codes.set(code, Number(response.status));
    }
  }
  return codes;
}
