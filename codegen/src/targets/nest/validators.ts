import type { FormatsPluginOptions } from 'ajv-formats';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { type Form, children, isBareReference } from '../../forms/form.ts';
import { validatorJson } from '../../forms/validator-json.ts';
import type { Contract, Schema } from '../../ir/index.ts';
import { Scope } from '../../plan/names.ts';
import type { Plan } from '../../plan/plan.ts';
import { quote } from '../../print/text.ts';

const ROOT = 'flowpact';

/** The validators of one form: `use` names one for a schema, `print` compiles all that were used into one module. */
export class Validators {
  readonly #contract: Contract;
  readonly #plan: Plan;
  readonly #form: Form;
  readonly #scope = new Scope();
  readonly #named = new Map<string, string>();
  readonly #inline = new Map<string, { name: string; schema: unknown }>();

  constructor(contract: Contract, plan: Plan, form: Form) {
    this.#contract = contract;
    this.#plan = plan;
    this.#form = form;
  }

  get isEmpty(): boolean {
    return this.#named.size + this.#inline.size === 0;
  }

  /** Name of the exported validator. A bare reference shares the validator of its target. */
  use(schema: Schema, name: string): string {
    const bareRef = isBareReference(schema) ? schema.ref : undefined;
    return bareRef === undefined
      ? this.useJson(
          name,
          validatorJson(this.#contract, schema, this.#form, (pointer) => this.#refTo(pointer)),
        )
      : this.#useNamed(bareRef);
  }

  /** A validator for a JSON Schema that the target composed itself. Equal schemas share the first one's name. */
  useJson(name: string, schema: unknown): string {
    const key = JSON.stringify(schema);
    const known = this.#inline.get(key);
    if (known) return known.name;
    const claimed = this.#scope.claim(name);
    this.#inline.set(key, { name: claimed, schema });
    return claimed;
  }

  /** The JSON Schema of a schema, for `useJson`. */
  json(schema: Schema): unknown {
    return validatorJson(this.#contract, schema, this.#form, (pointer) => this.#refTo(pointer));
  }

  #useNamed(pointer: string): string {
    const known = this.#named.get(pointer);
    if (known !== undefined) return known;
    const name = this.#scope.claim(this.#plan.schemas.get(pointer)!.valueName);
    this.#named.set(pointer, name);
    return name;
  }

  #refTo(pointer: string): string {
    return `#/$defs/${this.#plan.schemas.get(pointer)!.typeName}`;
  }

  /** An ES module; AJV's own text is not typed, its exports are. */
  print(contractImport: string): string {
    const ajv = new Ajv2020({
      allErrors: true,
      strict: false,
      useDefaults: this.#form !== 'response',
      inlineRefs: false,
      code: { source: true, esm: true, lines: true },
    });
    addFormats.default(ajv, { mode: 'full' } satisfies FormatsPluginOptions);
    for (const format of formatsOf(this.#contract)) {
      if (!(format in ajv.formats)) ajv.addFormat(format, true);
    }
    const $defs = Object.fromEntries(
      [...this.#plan.schemas.values()].map(({ schema, typeName }) => [typeName, this.json(schema.schema)]),
    );
    const inline = Object.fromEntries([...this.#inline.values()].map(({ name, schema }) => [name, schema]));
    ajv.addSchema({ $id: ROOT, $defs, definitions: inline });
    const exported: Record<string, string> = {};
    for (const [pointer, name] of this.#named) exported[name] = ROOT + this.#refTo(pointer);
    for (const name of Object.keys(inline)) exported[name] = `${ROOT}#/definitions/${name}`;
    return toModule(standaloneCode.default(ajv, exported), contractImport);
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
