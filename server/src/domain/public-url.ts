/** Where clients reach the server. */
export abstract class PublicUrl {
  /** The absolute URL of a path such as `/v1/callbacks`. */
  abstract of(path: string): string;
}
