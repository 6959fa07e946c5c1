/** Turns passwords into something that can be kept. */
export abstract class PasswordHasher {
  /** Salted and slow on purpose. */
  abstract hash(password: string): Promise<string>;

  /** Takes as long for an account that does not exist (`hash` undefined), which always fails. */
  abstract verify(hash: string | undefined, password: string): Promise<boolean>;
}
