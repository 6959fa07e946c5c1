/** Something that the OpenAPI 3.0.3 form of a document says less exactly than the 3.1 form, or not at all. */
export interface Loss {
  /** Stable kebab-case name of the kind. */
  readonly code: string;
  readonly message: string;
  /** Where it stands in the 3.1 document. */
  readonly pointer: string;
}

/** Collects losses in the order of the document. */
export class Losses {
  readonly list: Loss[] = [];

  add(code: string, pointer: string, message: string): void {
    this.list.push({ code, message, pointer });
  }
}
