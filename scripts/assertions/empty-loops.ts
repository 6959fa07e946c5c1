import ts from 'typescript';

/** A test of which every `expect` stands in a loop over what may be empty: then it passes without having looked at anything. */
export interface EmptyLoop {
  /** From 1. */
  readonly line: number;
  readonly over: string;
}

/** Calls that give as many items as they are given: of what they are called on, or of their argument. */
const sameLength = /\.(entries|keys|values|map|toSorted|toReversed)$/;
const sameLengthOfArgument = /^(Object\.(entries|keys|values)|Promise\.all|Array\.from)$/;

/** Such tests of a test file. A list counts as not empty where the file itself writes it, or a row of `test.each` has it. */
export function emptyLoops(source: string): EmptyLoop[] {
  if (!/\bfor (await )?\(/.test(source)) return [];
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const written = writtenLists(file);
  const found: EmptyLoop[] = [];
  const visit = (node: ts.Node): void => {
    const body = ts.isCallExpression(node) ? bodyOfTest(node) : undefined;
    if (body !== undefined) {
      const known = new Set([...written, ...body.parameters.flatMap(({ name }) => namesIn(name))]);
      const loops = loopsOfExpects(body, known);
      if (loops !== undefined)
        found.push({
          line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
          over: loops.getText(file),
        });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function bodyOfTest({ expression, arguments: given }: ts.CallExpression): ts.ArrowFunction | undefined {
  const [title, body] = given;
  return title && body && ts.isArrowFunction(body) && /^test\b/.test(expression.getText()) ? body : undefined;
}

/** The loop that holds the first `expect` where every one is in a loop over what may be empty, undefined for a good test. */
function loopsOfExpects(body: ts.ArrowFunction, known: ReadonlySet<string>): ts.Expression | undefined {
  let first: ts.Expression | undefined;
  let isGood = false;
  const walk = (node: ts.Node, loop: ts.Expression | undefined): void => {
    if (ts.isCallExpression(node) && /(^expect\w*|\.refused)$/.test(node.expression.getText())) {
      if (loop === undefined) isGood = true;
      else first ??= loop;
    }
    if (ts.isForOfStatement(node)) {
      walk(node.expression, loop);
      walk(node.statement, loop ?? (hasItems(node.expression, known) ? undefined : node.expression));
    } else ts.forEachChild(node, (child) => walk(child, loop));
  };
  walk(body.body, undefined);
  return isGood ? undefined : first;
}

function hasItems(given: ts.Expression, known: ReadonlySet<string>): boolean {
  const list = unwrapped(given);
  if (ts.isArrayLiteralExpression(list)) return list.elements.some((item) => !ts.isSpreadElement(item));
  if (ts.isObjectLiteralExpression(list)) return list.properties.length > 0;
  if (ts.isIdentifier(list)) return known.has(list.text);
  if (!ts.isCallExpression(list)) return false;
  const called = list.expression.getText();
  const [argument] = list.arguments;
  if (sameLengthOfArgument.test(called)) return argument !== undefined && hasItems(argument, known);
  return (
    sameLength.test(called) &&
    ts.isPropertyAccessExpression(list.expression) &&
    hasItems(list.expression.expression, known)
  );
}

/** Names of the lists and objects that the file writes with something in them, and of what is made of them. */
function writtenLists(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer &&
      hasItems(node.initializer, names)
    )
      names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function unwrapped(expression: ts.Expression): ts.Expression {
  if (
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression) ||
    ts.isParenthesizedExpression(expression) ||
    ts.isAwaitExpression(expression)
  )
    return unwrapped(expression.expression);
  return expression;
}

function namesIn(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
}
