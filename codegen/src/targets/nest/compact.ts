/** An expression of AJV's, which may hold string literals (always in double quotes) but no line break. */
const EXPRESSION = String.raw`(?:"(?:[^"\\\n]|\\.)*"|[^"\n])*?`;

const ERROR_BLOCK =
  /const (err\d+) = (\{.*\});\nif\(vErrors === null\)\{\nvErrors = \[\1\];\n\}\nelse \{\nvErrors\.push\(\1\);\n\}\nerrors\+\+;/g;
const SCHEMA_PATH = new RegExp(
  String.raw`^(vErrors = report\(vErrors, \{instancePath(?::${EXPRESSION})?,schemaPath:"#)`,
);
const PARAMETERS = ', {instancePath="", parentData, parentDataProperty, rootData=data}={})';
const ARGUMENTS = new RegExp(
  String.raw`\{instancePath(?::(${EXPRESSION}))?,parentData(?::${EXPRESSION})?,parentDataProperty(?::${EXPRESSION})?,rootData\}`,
  'g',
);

const REPORT = `
function report(errors, issue) {
  if (errors === null) return [issue];
  errors.push(issue);
  return errors;
}
`;

/**
 * AJV's standalone code without what only takes room: eight lines per error, constants that nothing reads, and arguments
 * that no keyword of ours looks at. Every error says in its `schemaPath` which function found it, as those of two
 * referenced schemas are the same otherwise.
 */
export function compact(code: string): string {
  const reported = code.replace(
    ERROR_BLOCK,
    (_, _name: string, issue: string) => `vErrors = report(vErrors, ${issue});\nerrors++;`,
  );
  return withoutUnusedSchemas(withShortArguments(withFunctionNames(reported))) + REPORT;
}

function withFunctionNames(code: string): string {
  let name = '';
  return code
    .split('\n')
    .map((line) => {
      name = /\bfunction (validate\d+)\(/.exec(line)?.[1] ?? name;
      return line.replace(SCHEMA_PATH, (start) => `${start}/${name}`);
    })
    .join('\n');
}

/** Leaves the code as it is where a name stays behind, as with a schema that has properties of these names. */
function withShortArguments(code: string): string {
  const short = code
    .replaceAll(PARAMETERS, ', instancePath = "")')
    .replace(ARGUMENTS, (_, path: string | undefined) => path ?? 'instancePath');
  return /\b(?:parentData|parentDataProperty|rootData)\b/.test(short) ? code : short;
}

function withoutUnusedSchemas(code: string): string {
  const used = new Set(
    code
      .split('\n')
      .filter((line) => !/^const schema\d+ = /.test(line))
      .flatMap((line) => line.match(/\bschema\d+\b/g) ?? []),
  );
  return code.replace(/^const (schema\d+) = .*\n/gm, (line, name: string) => (used.has(name) ? line : ''));
}
