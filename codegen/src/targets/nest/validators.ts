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
import { Defaults } from './defaults.ts';
import { selectKeyword } from './select-keyword.ts';

const ROOT = 'flowpact';

/** The validators of one form: `use` names one for a schema, `print` compiles all that were used into one module. */
export class Validators {
  readonly #contract: Contract;
  readonly #plan: Plan;
  readonly #form: Form;
  readonly #scope = new Scope();
  readonly #named = new Map<string, string>();
  readonly #inline = new Map<string, { name: string; schema: unknown }>();
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

  /** An ES module; AJV's own text is not typed, its exports are. Throws what AJV throws about a schema. */
  print(contractImport: string): string {
    const ajv = new Ajv2020({
      allErrors: true,
      strict: false,
      inlineRefs: false,
      code: { source: true, esm: true, lines: true },
    });
    ajv.addKeyword(selectKeyword);
    addFormats.default(ajv, { mode: 'full' } satisfies FormatsPluginOptions);
    for (const format of formatsOf(this.#contract)) {
      if (!(format in ajv.formats)) ajv.addFormat(format, true);
    }
    const $defs = Object.fromEntries(
      [...this.#plan.schemas.values()].map(({ schema, typeName }) => [typeName, this.#json(schema.schema)]),
    );
    const inline = Object.fromEntries([...this.#inline.values()].map(({ name, schema }) => [name, schema]));
    ajv.addSchema({ $id: ROOT, $defs, definitions: inline });
    const exported: Record<string, string> = {};
    for (const [pointer, name] of this.#named) exported[name] = ROOT + this.#refTo(pointer);
    for (const name of Object.keys(inline)) exported[name] = `${ROOT}#/definitions/${name}`;
    const code = toModule(standaloneCode.default(ajv, exported), contractImport);
    if (this.#defaults.isEmpty) return code;
    const filled = code.replace(
      /^export const (\w+) = (\w+) as unknown as Validator;$/gm,
      (line, name: string, validate: string) => {
        const fill = this.#fills.get(name);
        return fill === undefined
          ? line
          : `export const ${name} = filling(${validate}, ${fill}) as unknown as Validator;`;
      },
    );
    return `${filled}\n${this.#defaults.print()}`;
  }
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
function toModule(code: string, contractImport: string): string {
  const imports = new Map<string, string>();
  const body = code
    .replace(/^"use strict";\n?/, '')
    .replace(/require\("([^"]+)"\)/g, (_, path: string) => {
      const file = path.endsWith('.js') ? path : `${path}.js`;
      if (!imports.has(file)) imports.set(file, `runtime${imports.size}`);
      return imports.get(file)!;
    })
    .replace(/^export const (\w+) = (\w+);$/gm, 'export const $1 = $2 as unknown as Validator;')
    .replace(/export const (\w+) = (\w+);/g, 'export const $1 = $2 as unknown as Validator;\n');
  const lines = [...imports].map(([file, name]) => `import ${name} from ${quote(file)};\n`).join('');
  return `// @ts-nocheck\n${lines}import type { Validator } from ${quote(contractImport)};\n\n${body.trim()}\n`;
}
