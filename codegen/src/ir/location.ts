/** Where a node of the contract stands in the files that people edit; line and column count from 1. */
export interface SourceLocation {
  /** Path relative to the working directory, with forward slashes. */
  readonly file: string;
  /** JSON pointer inside that file, `/paths/~1v1~1workflows/get`. */
  readonly pointer: string;
  /** Found on first use: locating a node means parsing its file once more. */
  readonly line: number;
  readonly column: number;
}

/** What every node of the IR has in common. */
export interface Node {
  readonly location: SourceLocation;
  /** JSON pointer inside the bundled document; unique among nodes. */
  readonly pointer: string;
}
