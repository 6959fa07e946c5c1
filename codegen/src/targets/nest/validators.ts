import type { FormatsPluginOptions } from 'ajv-formats';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { type Form, children, isBareReference } from '../../forms/form.ts';
import { validatorJson } from '../../forms/validator-json.ts';
import type { Contract, Parameter, Schema } from '../../ir/index.ts';
import { Scope, pascalCase } from '../../plan/names.ts';
import type { Plan } from '../../plan/plan.ts';
import { quote } from '../../print/text.ts';
import { compact } from './compact.ts';
import { Defaults } from './defaults.ts';
import { problemKeyword } from './problem-keyword.ts';
import { selectKeyword } from './select-keyword.ts';

const ROOT = 'flowpact';
/** Functions that every module has beside what it exports. */
const OWN_NAMES = ['report', 'filling', 'isObject'];

interface Inline {
  readonly name: string;
  readonly schema: unknown;
}

/** The validators of one form: `use` names one for a schema, `print` compiles all that were used into one module. */
export class Validators {
  readonly #contract: Contract;
  readonly #plan: Plan;
  readonly #form: Form;
  readonly #scope = new Scope(OWN_NAMES);
  readonly #named = new Map<string, string>();
  readonly #inline = new Map<string, Inline>();
  readonly #defaults: Defaults;
  /** Exported name -> function that fills in defaults. */
  readonly #fills = new Map<string, string>();

  constructor(contract: Contract, plan: Plan, form: Form) {
    this.#contract = contract;
    this.#plan = plan;
    this.#form = form;
    this.#defaults = new Defaults(contract, plan, form, (schema, name) => this.#internal(schema, name));
  }

  get isEmpty(): boolean {
    return this.#named.size + this.#inline.size === 0;
  }

  /** Name of the exported validator. A bare reference shares the validator of its target. */
  use(schema: Schema, name: string): string {
    if (!isBareReference(schema) || schema.ref === undefined) {
      return this.#useJson(name, this.#json(schema), this.#defaults.use(schema, name));
    }
    const known = this.#named.get(schema.ref);
    if (known !== undefined) return known;
    const claimed = this.#scope.claim(this.#plan.schemas.get(schema.ref)!.valueName);
    this.#named.set(schema.ref, claimed);
    this.#fill(claimed, this.#defaults.use(schema, name));
    return claimed;
  }

  /** Name of the exported validator for an object of decoded parameters. */
  useParameters(parameters: readonly Parameter[], name: string): string {
    const schema = {
      type: 'object',
      properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, this.#json(parameter.schema)])),
      required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
    };
    return this.#useJson(name, schema, this.#defaults.useProperties(parameters, name));
  }

  /** A validator that exists only inside the module and fills in nothing. */
  #internal(schema: Schema, name: string): string {
    const camel = pascalCase(name).replace(/^./, (first) => first.toLowerCase());
    return this.#useJson(camel, this.#json(schema), undefined);
  }

  /** Equal schemas of the same name share a validator: the headers that every response has. */
  #useJson(name: string, schema: unknown, fill: string | undefined): string {
    const key = `${name} ${JSON.stringify(schema)}`;
    const known = this.#inline.get(key);
    if (known) return known.name;
    const claimed = this.#scope.claim(name);
    this.#inline.set(key, { name: claimed, schema });
    this.#fill(claimed, fill);
    return claimed;
  }

  #fill(name: string, fill: string | undefined): void {
    if (fill !== undefined) this.#fills.set(name, fill);
  }

  #json(schema: Schema): unknown {
    return validatorJson(this.#contract, schema, this.#form, (pointer) => this.#refTo(pointer));
  }

  #refTo(pointer: string): string {
    return `#/$defs/${this.#plan.schemas.get(pointer)!.typeName}`;
  }

  /** An ES module of JavaScript, in which equal schemas share a function. Throws what AJV throws about a schema. */
  print(): string {
    const $defs = Object.fromEntries(
      [...this.#plan.schemas.values()].map(({ schema, typeName }) => [typeName, this.#json(schema.schema)]),
    );
    const definitions: Record<string, unknown> = {};
    const exported: Record<string, string> = {};
    for (const [pointer, name] of this.#named) exported[name] = ROOT + this.#refTo(pointer);
    const same = Map.groupBy(this.#inline.values(), ({ schema }) => JSON.stringify(schema));
    for (const [{ name, schema }] of same.values() as Iterable<[Inline]>) {
      definitions[name] = schema;
      exported[name] = `${ROOT}#/definitions/${name}`;
    }
    const ajv = compiler(this.#contract, JSON.stringify([$defs, definitions]).includes('"unevaluated'));
    ajv.addSchema({ $id: ROOT, $defs, definitions });
    // What is wrong with a schema is said in words, what is wrong with a value is put into words by the runtime.
    Object.assign(ajv.opts, { messages: false });
    const others = new Map([...same.values()].map(([first, ...rest]) => [first!.name, rest.map(({ name }) => name)]));
    const code = compact(toModule(standaloneCode.default(ajv, exported))).replace(
      /^export const (\w+) = (\w+);$/gm,
      (line, name: string, validate: string) =>
        [line, ...(others.get(name) ?? []).map((other) => `export const ${other} = ${validate};`)].join('\n'),
    );
    if (this.#defaults.isEmpty) return code;
    const filled = code.replace(/^export const (\w+) = (\w+);$/gm, (line, name: string, validate: string) => {
      const fill = this.#fills.get(name);
      return fill === undefined ? line : `export const ${name} = filling(${validate}, ${fill});`;
    });
    return `${filled}\n${this.#defaults.print()}`;
  }

  /** The declarations of that module. */
  printTypes(contractImport: string): string {
    const names = [...this.#named.values(), ...[...this.#inline.values()].map(({ name }) => name)];
    const declarations = names.map((name) => `export declare const ${name}: Validator;\n`);
    return `import type { Validator } from ${quote(contractImport)};\n\n${declarations.join('')}`;
  }
}

/** Dynamic references are not in what it compiles, and what was evaluated matters only to the keywords named after it. */
function compiler(contract: Contract, unevaluated: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    inlineRefs: false,
    code: { source: true, esm: true, lines: true },
  });
  Object.assign(ajv.opts, { dynamicRef: false, unevaluated });
  ajv.addKeyword(selectKeyword);
  ajv.addKeyword(problemKeyword);
  addFormats.default(ajv, { mode: 'full' } satisfies FormatsPluginOptions);
  for (const format of formatsOf(contract)) {
    if (!(format in ajv.formats)) ajv.addFormat(format, true);
  }
  return ajv;
}

function formatsOf(contract: Contract): ReadonlySet<string> {
  const formats = new Set<string>();
  const visit = (schema: Schema): void => {
    if (schema.format !== undefined) formats.add(schema.format);
    for (const child of children(schema)) visit(child);
  };
  for (const { schema } of contract.schemas.values()) visit(schema);
  for (const operation of contract.operations) {
    for (const parameter of operation.parameters) visit(parameter.schema);
    const responses = operation.responses.flatMap((response) => [...response.content, ...response.headers]);
    for (const media of [...(operation.requestBody?.content ?? []), ...responses]) {
      if (media.schema) visit(media.schema);
      if ('eventSchema' in media && media.eventSchema) visit(media.eventSchema);
    }
  }
  return formats;
}

/** AJV's standalone code calls `require` for its runtime even when asked for an ES module (ajv#2209). */
function toModule(code: string): string {
  const imports = new Map<string, string>();
  const body = code
    .replace(/^"use strict";\n?/, '')
    .replace(/require\("([^"]+)"\)/g, (_, path: string) => {
      const file = path.endsWith('.js') ? path : `${path}.js`;
      if (!imports.has(file)) imports.set(file, `runtime${imports.size}`);
      return imports.get(file)!;
    })
    .replace(/(?<!^)export const (\w+) = (\w+);/gm, '\nexport const $1 = $2;')
    .replace(/^(export const \w+ = \w+;)(?!\n)/gm, '$1\n');
  const lines = [...imports].map(([file, name]) => `import ${name} from ${quote(file)};\n`).join('');
  return `${lines}\n${body.trim()}\n`;
}
