/** Characters that a password has at least and at most; the contract says the same. */
export const shortestPassword = 12;
export const longestPassword = 1_024;

/** Why a password is refused; undefined for a good one. */
export function passwordProblem(password: string): string | undefined {
  // Code points, as JSON Schema counts them.
  const length = [...password].length;
  if (length < shortestPassword) return `is shorter than ${shortestPassword} characters`;
  if (length > longestPassword) return `is longer than ${longestPassword} characters`;
  return undefined;
}
