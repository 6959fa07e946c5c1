import { type JsonObject, arrayOrEmpty, isObject, objectOrEmpty } from '../json.ts';
import { joinPointer } from '../json-pointer.ts';
import type { Losses } from './losses.ts';

/**
 * Security Requirements as 3.0.3 has them: only OAuth 2 and OpenID Connect schemes name scopes there (OpenAPI 3.0.3
 * section 4.7.30). One loss for each scheme, with the number of requirements that named scopes.
 */
export class SecurityRequirements {
  readonly #schemes: JsonObject;
  readonly #dropped = new Map<string, number>();

  constructor(document: JsonObject) {
    this.#schemes = objectOrEmpty(objectOrEmpty(document['components'])['securitySchemes']);
  }

  lower(security: unknown): readonly JsonObject[] {
    return arrayOrEmpty(security).map((requirement) =>
      Object.fromEntries(
        Object.entries(objectOrEmpty(requirement)).map(([name, scopes]) => [name, this.#scopes(name, scopes)]),
      ),
    );
  }

  report(losses: Losses): void {
    for (const [name, count] of this.#dropped) {
      const pointer = joinPointer('/components/securitySchemes', name);
      losses.add('scopes', pointer, `${name}: 3.0.3 has scopes only for OAuth 2; left out of ${count} requirements`);
    }
  }

  #scopes(name: string, scopes: unknown): readonly unknown[] {
    const scheme = this.#schemes[name];
    const type = isObject(scheme) ? scheme['type'] : undefined;
    if (type === 'oauth2' || type === 'openIdConnect' || arrayOrEmpty(scopes).length === 0) return arrayOrEmpty(scopes);
    this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + 1);
    return [];
  }
}
