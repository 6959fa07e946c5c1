import type { TagPlan } from '../../plan/plan.ts';
import type { SdkContext } from './context.ts';
import { comment, header, key, literal, quote } from './print.ts';
import type { Signature } from './signature.ts';

/** An operation under the name that it has in its resource. */
export interface Method {
  readonly name: string;
  readonly signature: Signature;
}

/** `resources/<tag>.ts`: one class with a method for each operation of the tag. */
export function emitResource(context: SdkContext, tag: TagPlan, methods: readonly Method[]): string {
  const types = methods.flatMap(({ signature: { params } }) =>
    params === undefined ? [] : [`export type ${params.name} = ${params.type};\n`],
  );
  const body = methods.map((method) => printMethod(context, method)).join('\n');
  const doc = comment(tag.tag.description === undefined ? [] : [tag.tag.description]);
  const text = `${types.length === 0 ? '' : `${types.join('')}\n`}${doc}export class ${tag.typeName} extends Resource {\n${body}}\n`;
  return `${header(context.contract)}\n${imports(context, text)}\n${text}`;
}

function imports({ options }: SdkContext, text: string): string {
  const core = options.coreImport.startsWith('.') ? `../${options.coreImport}` : options.coreImport;
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
  const types = [
    'APIPromise',
    'BinaryBody',
    'EventStream',
    'PagePromise',
    'QueryParams',
    'RequestOptions',
    'ServerSentEvent',
    'StreamOptions',
  ];
  return [
    `import { Resource, ${types
      .filter(uses)
      .map((name) => `type ${name}`)
      .join(', ')} } from ${quote(core)};\n`,
    ...(uses('models') ? ["import type * as models from '../models.ts';\n"] : []),
    "import { operations } from '../operations.ts';\n",
    ...(uses('paths') ? ["import type { paths } from '../types.ts';\n"] : []),
  ].join('');
}

function printMethod(context: SdkContext, { name, signature }: Method): string {
  if (signature.events !== undefined) return printStream(context, name, signature);
  const doc = comment(documentation(signature), '  ');
  const overloads = overloadsOf(signature);
  const result = resultOf(signature, signature.results[0]!.type);
  const call = signature.page === undefined ? 'call' : 'list';
  const body = `    return this.client.${call}(operations${member(signature.plan.name)}, ${input(signature)}, options);\n`;
  if (overloads.length === 0) {
    return `${doc}  ${name}(${parameters(signature)}): ${result} {\n${body}  }\n`;
  }
  const heads = overloads.map((overload) => `  ${name}(${overload.parameters}): ${overload.result};\n`);
  const [params, union] = [paramTypes(signature), [...new Set(signature.results.map(({ type }) => type))].join(' | ')];
  return `${doc}${heads.join('')}  ${name}(${parameters(signature, { params, loose: true })}): APIPromise<${union}> {\n${body}  }\n`;
}

function printStream({ options }: SdkContext, name: string, signature: Signature): string {
  const doc = comment([...documentation(signature), '', 'Resumes by itself after a broken connection.'], '  ');
  const last = options.lastEvents[signature.plan.name];
  const isLast =
    last === undefined
      ? ''
      : `, isLast: (event) => ${literal(last.values)}.some((last) => last === event${member(last.property)})`;
  const list = parameters(signature).replace('RequestOptions', 'StreamOptions');
  const body = `    return this.client.stream(operations${member(signature.plan.name)}, ${input(signature)}, { ...options${isLast} });\n`;
  return `${doc}  ${name}(${list}): EventStream<${signature.events}> {\n${body}  }\n`;
}

function documentation({ plan: { operation } }: Signature): readonly string[] {
  const { summary, description, deprecated } = operation;
  const texts = [summary, description?.trim()].filter((text) => text !== undefined && text !== '') as string[];
  const lines = texts.flatMap((text, index) => (index === 0 ? [text] : ['', text]));
  const sunset = deprecated?.sunset === undefined ? '' : ` It ends on ${deprecated.sunset}.`;
  const tag = deprecated === undefined ? [] : ['', `@deprecated${sunset}`];
  return [...lines, ...(lines.length === 0 ? [] : ['']), `\`${operation.method} ${operation.path}\``, ...tag];
}

/** One signature for each pair of request and response media type; none where there is only one of each. */
function overloadsOf(signature: Signature): readonly { parameters: string; result: string }[] {
  const { requests, results, params, plan } = signature;
  if (results.length === 1 && requests.length === 0) return [];
  const defaultType = plan.operation.requestBody?.content[0]?.name;
  const bodies =
    requests.length === 0
      ? [{ type: params?.name, option: [] }]
      : [
          { type: params?.name, option: [`contentType?: ${quote(defaultType!)}`] },
          ...requests.map(({ contentType, type }) => ({ type, option: [`contentType: ${quote(contentType)}`] })),
        ];
  const answers = results.map(({ accept, type }, index) => ({
    type,
    option: results.length === 1 ? [] : [`accept${index === 0 ? '?' : ''}: ${quote(accept)}`],
  }));
  return bodies.flatMap((body) =>
    answers.map((answer) => ({
      parameters: parameters(signature, { params: body.type, options: [...body.option, ...answer.option] }),
      result: resultOf(signature, answer.type),
    })),
  );
}

interface Variation {
  readonly params?: string | undefined;
  /** Properties of the options that choose it. */
  readonly options?: readonly string[];
  /** The implementation under overloads takes every variation. */
  readonly loose?: boolean;
}

function parameters(signature: Signature, { params, options = [], loose = false }: Variation = {}): string {
  const headers = signature.requiredHeaders.map((name) => `${key(name)}: string`).join('; ');
  const narrowed = loose ? [] : [...options, ...(headers === '' ? [] : [`headers: { ${headers} }`])];
  const mustHaveOptions = narrowed.some((property) => !property.includes('?:'));
  const list = signature.path.map(({ argument, type }) => `${argument}: ${type}`);
  if (signature.params !== undefined) {
    const type = params ?? signature.params.name;
    list.push(printParams(type, signature.params.required, mustHaveOptions));
  }
  list.push(
    `options${mustHaveOptions ? '' : '?'}: RequestOptions${narrowed.length === 0 ? '' : ` & { ${narrowed.join('; ')} }`}`,
  );
  return list.join(', ');
}

function printParams(type: string, required: boolean, optionsFollow: boolean): string {
  if (required) return `params: ${type}`;
  return optionsFollow ? `params: ${type} | undefined` : `params?: ${type}`;
}

function paramTypes({ params, requests }: Signature): string | undefined {
  return params === undefined ? undefined : [params.name, ...requests.map(({ type }) => type)].join(' | ');
}

function resultOf({ page }: Signature, type: string): string {
  return page === undefined ? `APIPromise<${type}>` : `PagePromise<${page.item}, ${page.pagination}>`;
}

function input({ path, params }: Signature): string {
  const names = path.map(({ name, argument }) => (name === argument ? name : `${key(name)}: ${argument}`));
  const parts = [
    ...(names.length === 0 ? [] : [`path: { ${names.join(', ')} }`]),
    ...(params === undefined ? [] : ['params']),
  ];
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

function member(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${quote(name)}]`;
}
