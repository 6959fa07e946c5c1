import { errorCodesOf } from '../../forms/error-codes.ts';
import type { SdkContext } from './context.ts';

/** Every code that an error body of the contract can hold, in alphabetical order: `const` and `enum` at the code's pointer. */
export function errorCodes({ contract, options }: SdkContext): readonly string[] {
  const pointers = Object.fromEntries(Object.entries(options.errors).map(([type, { code }]) => [type, code]));
  const failures = contract.operations.flatMap(({ responses }) =>
    responses.filter(({ status }) => !status.startsWith('2')),
  );
  return [...new Set(failures.flatMap((response) => errorCodesOf(contract, response, pointers)))].sort();
}
