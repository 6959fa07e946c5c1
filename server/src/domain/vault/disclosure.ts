import type { Json } from '../domain-error.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import type { CredentialType, CredentialValues } from './credential-values.ts';
import { secretsOf } from './credential-values.ts';
import { type Confidential, Redactor } from './redactor.ts';
import { mayHoldMarkers, type SecretMarkers } from './secret-markers.ts';

/** A credential with its values. */
export interface OpenCredential {
  readonly id: string;
  readonly name: string;
  /** Of another number after every change. */
  readonly revision: number;
  readonly values: CredentialValues;
}

/** What one outgoing call gets to know: the secrets that its params name, and its credential. */
export class Disclosure {
  readonly #markers: SecretMarkers;
  readonly #executionId: string;
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #confidential: Confidential[];
  #redactor: Redactor | undefined;
  readonly credential: OpenCredential | undefined;

  constructor(
    markers: SecretMarkers,
    executionId: string,
    secrets: ReadonlyMap<string, string>,
    credential?: OpenCredential,
  ) {
    this.#markers = markers;
    this.#executionId = executionId;
    this.#secrets = secrets;
    this.credential = credential;
    this.#confidential = [...secrets].map(([name, value]) => ({ value, label: `[secret ${name}]` }));
    if (credential) for (const value of secretsOf(credential.values)) this.conceal(value);
  }

  /** The values of the credential; throws a NodeFailure when there is none of these types. */
  credentialOf<Type extends CredentialType>(...types: Type[]): Extract<CredentialValues, { type: Type }> {
    const { values, name } = this.credential!;
    if ((types as string[]).includes(values.type)) return values as Extract<CredentialValues, { type: Type }>;
    throw new NodeFailure(
      'credential_not_usable',
      `The credential ${name} is of type ${values.type}; this node takes ${types.join(', ')}.`,
    );
  }

  /** Removes one more value from what comes back, as it does the secrets of the credential. */
  conceal(value: string): void {
    this.#confidential.push({ value, label: `[credential ${this.credential?.name ?? ''}]` });
    this.#redactor = undefined;
  }

  /** Whether the value holds a secret that `reveal` puts in. */
  holdsSecrets(value: Json): boolean {
    if (this.#secrets.size === 0) return false;
    const text = JSON.stringify(value) ?? '';
    return mayHoldMarkers(text) && this.#markers.namesIn(this.#executionId, text).length > 0;
  }

  /** The value with its secrets in place of their markers, leaf by leaf; for the call and for nothing else. */
  reveal<Value extends Json | undefined>(value: Value): Value {
    return this.#secrets.size === 0 ? value : (this.#revealed(value) as Value);
  }

  /** Removes everything confidential from what comes back. */
  get redactor(): Redactor {
    return (this.#redactor ??= new Redactor(this.#confidential));
  }

  #revealed(value: Json | undefined): Json | undefined {
    if (typeof value === 'string')
      return mayHoldMarkers(value)
        ? this.#markers.replaced(this.#executionId, value, (name) => this.#secrets.get(name)!)
        : value;
    if (Array.isArray(value)) return value.map((item) => this.#revealed(item as Json)!);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#revealed(item as Json)]));
  }
}
