import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten';

/** A value that was thrown inside QuickJS, on its way out. */
export class Thrown {
  readonly value: QuickJSHandle;

  constructor(value: QuickJSHandle) {
    this.value = value;
  }
}

/** A text is in QuickJS, and there is no memory left to hand it out in. */
export class Unreadable extends Error {}

/**
 * Reads values out of a state that a hostile program has had in its hands. Whatever it puts into prototypes and globals,
 * the functions used here are those that QuickJS came with: they are taken when this is made, before the program runs.
 * Programs can still answer with getters, proxies and `toJSON`, so everything they answer is checked for its type and its
 * length here, before it is copied out.
 */
export class Guest {
  readonly #context: QuickJSContext;
  readonly #held: QuickJSHandle[] = [];
  readonly #parse: QuickJSHandle;
  readonly #stringify: QuickJSHandle;
  readonly #string: QuickJSHandle;
  readonly #slice: QuickJSHandle;
  readonly #zero: QuickJSHandle;

  constructor(context: QuickJSContext) {
    this.#context = context;
    const json = this.#property(context.global, 'JSON');
    this.#parse = this.#property(json, 'parse');
    this.#stringify = this.#property(json, 'stringify');
    this.#string = this.#property(context.global, 'String');
    this.#slice = this.#property(this.#property(this.#string, 'prototype'), 'slice');
    this.#zero = this.hold(context.newNumber(0));
  }

  /** The handle, which is given back to QuickJS when all of this is disposed of. */
  hold(handle: QuickJSHandle): QuickJSHandle {
    this.#held.push(handle);
    return handle;
  }

  dispose(): void {
    this.#held.forEach((handle) => handle.alive && handle.dispose());
  }

  /** The value that JSON text stands for; `undefined` for none. */
  parse(json: string | undefined): QuickJSHandle {
    if (json === undefined) return this.#context.undefined;
    return this.call(this.#parse, [this.hold(this.#context.newString(json))]);
  }

  /** Throws Thrown. */
  eval(code: string): QuickJSHandle {
    const result = this.#context.evalCode(code, 'expression');
    if (result.error) throw new Thrown(this.hold(result.error));
    return this.hold(result.value);
  }

  /** Throws Thrown. */
  call(fn: QuickJSHandle, args: QuickJSHandle[], self: QuickJSHandle = this.#context.undefined): QuickJSHandle {
    const result = this.#context.callFunction(fn, self, args);
    if (result.error) throw new Thrown(this.hold(result.error));
    return this.hold(result.value);
  }

  /** A value as JSON text, still in QuickJS; undefined when it has none. Runs code of the program; throws Thrown. */
  json(value: QuickJSHandle): QuickJSHandle | undefined {
    const text = this.call(this.#stringify, [value]);
    return this.#isString(text) ? text : undefined;
  }

  /** Characters of a text in QuickJS. */
  lengthOf(text: QuickJSHandle): number {
    return this.#context.getNumber(this.#property(text, 'length'));
  }

  /** A text that is known to hold no NUL, such as JSON. Throws Unreadable. */
  read(text: QuickJSHandle): string {
    const read = this.#context.getString(text);
    if (read === '' && this.lengthOf(text) > 0) throw new Unreadable();
    return read;
  }

  /**
   * Any value as text of at most `most` characters that can be stored: strings as they are, others as JSON, what has none as
   * `String` writes it. Runs code of the program; throws Thrown and Unreadable.
   */
  text(value: QuickJSHandle, most: number): string {
    return this.#passing(() => this.#text(value, most));
  }

  #text(value: QuickJSHandle, most: number): string {
    let text = value;
    if (!this.#isString(value)) text = this.json(value) ?? this.call(this.#string, [value]);
    if (this.lengthOf(text) > most)
      text = this.call(this.#slice, [this.#zero, this.hold(this.#context.newNumber(most))], text);
    // A text of C ends at a NUL, and JSON writes that in letters.
    const read = JSON.parse(this.read(this.call(this.#stringify, [text]))) as string;
    return read.replaceAll('\0', '\ufffd').toWellFormed();
  }

  /** The text that stands in a property, or undefined when there is none. As `text`. */
  textAt(value: QuickJSHandle, key: 'message' | 'name', most: number): string | undefined {
    return this.#passing(() => {
      const found = this.#property(value, key);
      return this.#isString(found) ? this.#text(found, most) : undefined;
    });
  }

  /** Gives back at once what is held by the work alone: a program may ask for texts a million times. */
  #passing<T>(work: () => T): T {
    const before = this.#held.length;
    let thrown: unknown;
    try {
      return work();
    } catch (ended) {
      thrown = ended;
      throw ended;
    } finally {
      for (const handle of this.#held.splice(before)) {
        if (thrown instanceof Thrown && thrown.value === handle) this.#held.push(handle);
        else handle.dispose();
      }
    }
  }

  #isString(value: QuickJSHandle): boolean {
    return this.#context.typeof(value) === 'string';
  }

  #property(value: QuickJSHandle, key: string): QuickJSHandle {
    return this.hold(this.#context.getProp(value, key));
  }
}
