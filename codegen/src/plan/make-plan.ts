import type { Form } from '../forms/form.ts';
import { distinctForms } from '../forms/form-names.ts';
import type { Contract, Operation, Tag } from '../ir/index.ts';
import type { OperationPlan, Plan, SchemaPlan, TagPlan } from './plan.ts';
import { Scope, camelCase, isIdentifier, kebabCase, pascalCase } from './names.ts';

/** Names that generated files use themselves. */
const RESERVED_TYPES = [
  'Promise',
  'Record',
  'Exclude',
  'contract',
  'operations',
  'OperationName',
  'responses',
  'schemas',
  'components',
];
const FORM_SUFFIXES: Readonly<Record<Form, string>> = { request: 'Input', upload: 'Upload', response: 'Output' };
const UNTAGGED: Tag = { name: 'default' };

/** The same contract always gets the same plan. Schemas choose their names first, then operations, then tags. */
export function makePlan(contract: Contract): Plan {
  const types = new Scope(RESERVED_TYPES);
  const schemas = planSchemas(contract, types);
  const operations = planOperations(contract.operations, types);
  return {
    tags: planTags(contract.tags, operations, types),
    operations,
    schemas,
    responses: planResponses(contract.operations),
  };
}

function planSchemas(contract: Contract, types: Scope): ReadonlyMap<string, SchemaPlan> {
  const values = new Scope();
  const typeNames = new Map(
    [...contract.schemas].map(([pointer, { name }]) => {
      const pascal = pascalCase(name) || 'Schema';
      return [pointer, isIdentifier(name) ? types.claim(name, pascal) : types.claim(pascal)];
    }),
  );
  const forms = distinctForms(contract);
  return new Map(
    [...contract.schemas].map(([pointer, schema]) => {
      const typeName = typeNames.get(pointer)!;
      const formTypeNames = new Map(
        forms.get(pointer)!.flatMap((group, index) => {
          const name = index === 0 ? typeName : types.claim(typeName + FORM_SUFFIXES[group[0]!]);
          return group.map((form) => [form, name] as const);
        }),
      );
      return [pointer, { schema, typeName, formTypeNames, valueName: values.claim(safe(camelCase(typeName))) }];
    }),
  );
}

function planOperations(operations: readonly Operation[], types: Scope): readonly OperationPlan[] {
  const names = new Scope();
  return operations.map((operation) => {
    const written = operation.operationId ?? nameFromPath(operation);
    const camel = safe(camelCase(written) || camelCase(nameFromPath(operation)));
    const name = isIdentifier(written) ? names.claim(written, camel) : names.claim(camel);
    const pascal = name.replace(/^./, (first) => first.toUpperCase());
    const typeName = types.claim(isIdentifier(pascal) ? pascal : pascalCase(name), `${pascal}Operation`);
    return { operation, tag: { name: operation.tags[0] ?? UNTAGGED.name }, name, typeName };
  });
}

/** `GET /users/{id}/keys` -> `get users by id keys`. */
function nameFromPath({ method, path }: Operation): string {
  return `${method.toLowerCase()} ${path.replace(/\{([^}]+)\}/g, ' by $1 ')}`;
}

function planTags(tags: readonly Tag[], operations: readonly OperationPlan[], types: Scope): readonly TagPlan[] {
  const files = new Scope();
  const properties = new Scope();
  return [...tags, ...(tags.some((tag) => tag.name === UNTAGGED.name) ? [] : [UNTAGGED])].flatMap((tag) => {
    const own = operations.filter((operation) => operation.tag.name === tag.name);
    if (own.length === 0) return [];
    const pascal = pascalCase(tag.name) || 'Tag';
    const controller = types.claim(`${pascal}Controller`);
    return [
      {
        tag,
        typeName: controller.replace(/Controller(\d*)$/, '$1'),
        controllerName: controller,
        propertyName: properties.claim(safe(camelCase(tag.name) || 'tag')),
        fileName: files.claim(kebabCase(tag.name) || 'tag'),
        operations: own,
      },
    ];
  });
}

function planResponses(operations: readonly Operation[]): ReadonlyMap<string, string> {
  const scope = new Scope(['Exclude', 'Status']);
  const names = new Map<string, string>();
  for (const { component } of operations.flatMap((operation) => operation.responses)) {
    if (component === undefined || names.has(component)) continue;
    const pascal = pascalCase(component) || 'Response';
    names.set(component, isIdentifier(component) ? scope.claim(component, pascal) : scope.claim(pascal));
  }
  return names;
}

/** Reserved words get an underscore. */
function safe(name: string): string {
  return name === '' || isIdentifier(name) ? name : `${name}_`;
}
