import ts from 'typescript';

/** A small fault that could be put into a source file: `original`, from `start` on, becomes `replacement`. */
export interface Mutant {
  readonly kind: string;
  /** Characters from the beginning of the file. */
  readonly start: number;
  /** From 1. */
  readonly line: number;
  readonly original: string;
  readonly replacement: string;
}

/** Operators that are easily mistaken for each other, or forgotten. */
const operators: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+='],
]);

const methods: Readonly<Record<string, string>> = { some: 'every', every: 'some', min: 'max', max: 'min' };

/** What is told to operators only, which no test has to notice. */
const logMethods = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'log']);

/** All faults of a TypeScript source file, in the order of their places. They may not compile. */
export function mutantsOf(source: string): Mutant[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isDecorator(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    for (const [kind, part, replacement] of faultsOf(node)) {
      const start = part.getStart(file);
      const { line } = file.getLineAndCharacterOfPosition(start);
      found.push({ kind, start, line: line + 1, original: part.getText(file), replacement });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.sort((one, other) => one.start - other.start);
}

/** The source with the fault in it. */
export function mutated(source: string, { start, original, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(start + original.length);
}

function* faultsOf(node: ts.Node): Generator<[kind: string, part: ts.Node, replacement: string]> {
  if (ts.isBinaryExpression(node)) {
    const { left, operatorToken: operator } = node;
    const other = operators.get(operator.kind);
    if (other !== undefined) yield ['operator', operator, other];
    if (operator.kind === ts.SyntaxKind.QuestionQuestionToken) yield ['fallback', node, `(${left.getText()})`];
  }
  if (ts.isIfStatement(node)) yield* decided(node.expression);
  if (ts.isConditionalExpression(node)) yield* decided(node.condition);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    yield ['negation', node, `(${node.operand.getText()})`];
  if (ts.isNumericLiteral(node)) yield ['number', node, `${Number(node.text.replaceAll('_', '')) + 1}`];
  if (node.kind === ts.SyntaxKind.TrueKeyword) yield ['boolean', node, 'false'];
  if (node.kind === ts.SyntaxKind.FalseKeyword) yield ['boolean', node, 'true'];
  if (ts.isExpressionStatement(node) && isCallThatCounts(node.expression)) yield ['call', node, ';'];
  if (ts.isTryStatement(node) && node.finallyBlock && node.finallyBlock.statements.length > 0)
    yield ['clean-up', node.finallyBlock, '{}'];
  if (ts.isPropertyAccessExpression(node)) {
    const other = methods[node.name.text];
    if (other !== undefined && ts.isCallExpression(node.parent)) yield ['method', node.name, other];
  }
}

function* decided(condition: ts.Expression): Generator<[string, ts.Node, string]> {
  yield ['condition', condition, 'true'];
  yield ['condition', condition, 'false'];
}

function isCallThatCounts(expression: ts.Expression): boolean {
  if (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression))
    return isCallThatCounts(expression.expression);
  if (!ts.isCallExpression(expression)) return false;
  const { expression: called } = expression;
  if (called.kind === ts.SyntaxKind.SuperKeyword) return false;
  return !(ts.isPropertyAccessExpression(called) && logMethods.has(called.name.text.replace('#', '')));
}
