import { BlobType, p } from '@mikro-orm/core';

/**
 * Encryption of what the database may not show. A value opens only for the organisation and in the context it was sealed
 * in, so that a row copied to another place is of no use there.
 */
export abstract class Sealer {
  /** `context` says what the value is, and never changes with it, for example `secret:sec_01k...`. */
  abstract seal(organisationId: string, plaintext: string, context: string): Buffer;

  /** What was sealed; throws when it was sealed elsewhere, was changed, or its master key is not configured. */
  abstract open(organisationId: string, sealed: Uint8Array, context: string): string;

  /**
   * Codes of a text that nobody else can make, 32 hexadecimal digits each: the present one first, then those of former
   * master keys.
   */
  abstract codes(text: string): string[];
}

/** The type of columns that hold sealed values, by which the re-wrap command finds them. */
export class SealedColumn extends BlobType {}

/** A column for what `Sealer.seal` made. */
export function sealed() {
  return p.type(SealedColumn).$type<Buffer>();
}
