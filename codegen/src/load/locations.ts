import { relative, sep } from 'node:path';
import { type BaseResolver, type Source, getLineColLocation, parseYaml } from '@redocly/openapi-core';
import type { SourceLocation } from '../ir/location.ts';
import { isObject } from '../json.ts';
import { joinPointer, splitPointer, valueAt } from '../json-pointer.ts';

interface Origin {
  readonly source: Source;
  readonly pointer: string;
}

/**
 * Finds where nodes of the bundled document were written. Bundling moves nodes between files and loses their places, so
 * the first question walks the bundle and the source files side by side; a run without errors never pays for that.
 */
export class Locations {
  readonly #root: Source;
  readonly #bundle: unknown;
  readonly #resolver: BaseResolver;
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #directory: string;
  readonly #parsed = new Map<Source, unknown>();
  #origins: Map<string, Origin> | undefined;

  constructor(
    root: Source,
    bundle: unknown,
    resolver: BaseResolver,
    sources: ReadonlyMap<string, Source>,
    directory: string,
  ) {
    this.#root = root;
    this.#bundle = bundle;
    this.#resolver = resolver;
    this.#sources = sources;
    this.#directory = directory;
  }

  /** `pointer` is one into the bundled document; a node that has no place of its own gets that of its parent. */
  locate(pointer: string): SourceLocation {
    return new LazyLocation(() => this.#origin(pointer), this.#directory);
  }

  #origin(pointer: string): Origin {
    this.#origins ??= this.#pair();
    const tokens = splitPointer(pointer);
    for (let length = tokens.length; length > 0; length -= 1) {
      const origin = this.#origins.get(joinPointer('', ...tokens.slice(0, length)));
      if (origin) return origin;
    }
    return { source: this.#root, pointer: '' };
  }

  #pair(): Map<string, Origin> {
    const origins = new Map<string, Origin>();
    const queue: { pointer: string; origin: Origin }[] = [{ pointer: '', origin: { source: this.#root, pointer: '' } }];
    for (let next = queue.pop(); next; next = queue.pop()) {
      const { pointer } = next;
      if (origins.has(pointer)) continue;
      const bundled = valueAt(this.#bundle, pointer);
      let { origin } = next;
      const written = this.#value(origin);
      if (isObject(written) && typeof written['$ref'] === 'string') {
        const target = this.#target(origin.source, written['$ref']);
        const moved = isObject(bundled) && typeof bundled['$ref'] === 'string' ? bundled['$ref'] : undefined;
        if (target && moved === undefined) origin = target;
        if (target && moved !== undefined && target.source !== this.#root) {
          queue.push({ pointer: moved.slice(1), origin: target });
        }
      }
      origins.set(pointer, origin);
      const children = isObject(bundled) || Array.isArray(bundled) ? Object.keys(bundled) : [];
      for (const key of children) {
        const child = { source: origin.source, pointer: joinPointer(origin.pointer, key) };
        if (this.#value(child) !== undefined) queue.push({ pointer: joinPointer(pointer, key), origin: child });
      }
    }
    return origins;
  }

  #target(from: Source, ref: string): Origin | undefined {
    const [file = '', fragment = ''] = ref.split('#');
    const absolute = file === '' ? from.absoluteRef : this.#resolver.resolveExternalRef(from.absoluteRef, file);
    const source = absolute === this.#root.absoluteRef ? this.#root : this.#sources.get(absolute);
    return source && { source, pointer: fragment };
  }

  #value({ source, pointer }: Origin): unknown {
    if (!this.#parsed.has(source)) this.#parsed.set(source, parseYaml(source.body));
    return valueAt(this.#parsed.get(source), pointer);
  }
}

class LazyLocation implements SourceLocation {
  readonly #find: () => Origin;
  readonly #directory: string;
  #place: { line: number; column: number } | undefined;

  constructor(find: () => Origin, directory: string) {
    this.#find = find;
    this.#directory = directory;
  }

  get file(): string {
    return displayPath(this.#find().source.absoluteRef, this.#directory);
  }

  get pointer(): string {
    return this.#find().pointer;
  }

  get line(): number {
    return this.#lineAndColumn().line;
  }

  get column(): number {
    return this.#lineAndColumn().column;
  }

  #lineAndColumn(): { line: number; column: number } {
    if (!this.#place) {
      const { source, pointer } = this.#find();
      const { start } = getLineColLocation({ source, pointer: `#${pointer}`, reportOnKey: true });
      this.#place = { line: start.line, column: start.col };
    }
    return this.#place;
  }
}

/** Relative to `directory`, with forward slashes on every system. */
export function displayPath(file: string, directory: string): string {
  return /^https?:/.test(file) ? file : relative(directory, file).split(sep).join('/');
}
