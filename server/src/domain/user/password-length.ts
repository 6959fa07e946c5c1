/** Characters that a password has at least and at most; the contract says the same. */
export const minPasswordLength = 12;
export const maxPasswordLength = 1_024;

/** Why a password is refused; undefined for a good one. */
export function passwordProblem(password: string): string | undefined {
  // Code points, as JSON Schema counts them.
  const length = [...password].length;
  if (length < minPasswordLength) return `is shorter than ${minPasswordLength} characters`;
  if (length > maxPasswordLength) return `is longer than ${maxPasswordLength} characters`;
  return undefined;
}
