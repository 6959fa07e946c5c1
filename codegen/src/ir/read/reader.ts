import { type JsonObject, isObject } from '../../json.ts';
import { pointerOfRef, valueAt } from '../../json-pointer.ts';
import type { LoadedDocument } from '../../load/load-document.ts';
import type { Problem, Problems } from '../../problems.ts';
import type { Node } from '../location.ts';

/** An OpenAPI object with the place where it stands, references followed. */
export interface Found {
  readonly json: JsonObject;
  readonly pointer: string;
  /** Last word of the pointer of a followed reference. */
  readonly component?: string;
}

/** What the functions of this folder share: the document, and where problems go. */
export class Reader {
  readonly document: JsonObject;
  readonly problems: Problems;
  readonly idempotencyHeader: string;
  /** Targets of schema references, in the order of discovery. */
  readonly referencedSchemas = new Set<string>();
  readonly #locate: LoadedDocument['locate'];

  constructor(loaded: LoadedDocument, problems: Problems, idempotencyHeader: string) {
    this.document = loaded.document;
    this.problems = problems;
    this.idempotencyHeader = idempotencyHeader;
    this.#locate = (pointer) => loaded.locate(pointer);
  }

  node(pointer: string): Node {
    return { pointer, location: this.#locate(pointer) };
  }

  /** Follows a chain of references; siblings of `$ref` outside schemas are `summary` and `description` only. */
  resolve(json: unknown, pointer: string): Found {
    let found: Found = { json: isObject(json) ? json : {}, pointer };
    const seen = new Set<string>();
    while (typeof found.json['$ref'] === 'string') {
      const target = pointerOfRef(found.json['$ref']);
      const value = target === undefined ? undefined : valueAt(this.document, target);
      if (target === undefined || !isObject(value) || seen.has(target)) {
        this.report(pointer, { code: 'unresolved-reference', message: `cannot follow ${String(found.json['$ref'])}` });
        return { json: {}, pointer };
      }
      seen.add(target);
      found = { json: value, pointer: target, component: target.slice(target.lastIndexOf('/') + 1) };
    }
    return found;
  }

  report(pointer: string, problem: Omit<Problem, 'location'>): void {
    this.problems.add({ ...problem, location: this.#locate(pointer) });
  }

  /** Returns true when the feature is to be left out. */
  unsupported(pointer: string, problem: Omit<Problem, 'location'>): boolean {
    return this.problems.unsupported({ ...problem, location: this.#locate(pointer) });
  }
}
