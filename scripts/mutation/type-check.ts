import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Tells whether a source file would still compile: what the compiler notices, no test has to. */
export class TypeCheck {
  readonly #root: string;
  readonly #options: ts.CompilerOptions;
  readonly #service: ts.LanguageService;
  readonly #files = new Set<string>();
  readonly #changed = new Map<string, { source: string; version: number }>();

  constructor(root: string) {
    this.#root = root;
    const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
    this.#options = ts.convertCompilerOptionsFromJson(
      (config.config as { compilerOptions: unknown }).compilerOptions,
      root,
    ).options;
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => this.#options,
      getScriptFileNames: () => [...this.#files],
      getScriptVersion: (path) => String(this.#changed.get(path)?.version ?? 0),
      getScriptSnapshot: (path) => {
        const source = this.#changed.get(path)?.source ?? ts.sys.readFile(path);
        return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source);
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      fileExists: (path) => ts.sys.fileExists(path),
      readFile: (path) => ts.sys.readFile(path),
      readDirectory: (...given) => ts.sys.readDirectory(...given),
      directoryExists: (path) => ts.sys.directoryExists(path),
    });
  }

  /** Whether the file, by its path from the root, compiles with this source. Afterwards it is as it was. */
  compiles(path: string, source: string): boolean {
    const file = join(this.#root, path);
    this.#files.add(file);
    this.#set(file, source);
    const problems = [...this.#service.getSyntacticDiagnostics(file), ...this.#service.getSemanticDiagnostics(file)];
    this.#set(file, readFileSync(file, 'utf8'));
    return problems.length === 0;
  }

  #set(file: string, source: string): void {
    this.#changed.set(file, { source, version: (this.#changed.get(file)?.version ?? 0) + 1 });
  }
}
