import type { FailureKind } from './failure.ts';
import type {
  Authenticator,
  ContractBinding,
  IdempotencyStore,
  MediaTypeCodec,
  RateLimiter,
  RuntimeObserver,
} from './ports.ts';
import type { RequestContext } from './request-context.ts';

/** Everything an application tells the runtime, see `ContractModule.forRoot`. */
export interface ContractModuleOptions {
  readonly contracts: readonly ContractBinding[];
  /** By name of the security scheme. */
  readonly authenticators?: Readonly<Record<string, Authenticator>>;
  /** `false`: the application decided to serve `x-rate-limit` operations without one. */
  readonly rateLimiter?: RateLimiter | false;
  /** `header` is `Idempotency-Key` by default. `false`: the application decided to do without. */
  readonly idempotency?: { readonly store: IdempotencyStore; readonly header?: string } | false;
  /** The contract's error code for what the runtime refuses; a kind left out has its own name as code. */
  readonly codes?: Readonly<Partial<Record<FailureKind, string>>>;
  /**
   * What happens to a response that does not match the contract: `throw` answers 500 and refuses undeclared fields, `log`
   * reports and sends it without them, `off` only drops them. Default `throw`, in production (`NODE_ENV`) `log`.
   */
  readonly responseValidation?: 'throw' | 'log' | 'off';
  /**
   * In `log` mode one response of so many is checked, of each status of each operation, the first included. Checking costs
   * about as much as writing; what an operation always does wrong shows at once, the rest in time. Default 16.
   */
  readonly checkEvery?: number;
  /** Routes outside every contract that may exist: `GET /metrics`, `/docs`, `/docs/*`. */
  readonly allowRoutes?: readonly string[];
  /** Codes of the errors that the application can throw; each must be declared by some operation. */
  readonly throwableCodes?: readonly string[];
  /** By media type. */
  readonly mediaTypes?: Readonly<Record<string, MediaTypeCodec>>;
  /**
   * Names that one object of a JSON body may have; a body with more is refused before it is parsed. Objects with very many
   * names are slow to parse, which holds up all other requests. Default as many as the body has room for.
   */
  readonly maxNames?: number;
  readonly observer?: RuntimeObserver;
  /** Sees whatever is thrown anywhere in a request before its code is looked up; gives back the error to answer with. */
  readonly translateError?: (error: unknown) => unknown;
  /** Called around the handler and everything of Nest before it; must call `next` once (to enter an AsyncLocalStorage). */
  readonly around?: (context: RequestContext, next: () => void) => void;
  readonly requestId?: {
    /** Default `X-Request-Id`. */
    readonly header?: string;
    /** Which ids of clients are taken over. Default 1 to 128 characters of `A-Z a-z 0-9 . _ : -`. */
    readonly accept?: RegExp;
  };
  /** `Cache-Control` of every response that does not set one of its own, such as `no-store`. Default none. */
  readonly cacheControl?: string;
  /** The realm that the `WWW-Authenticate` of a 401 names. Default the contract's name. */
  readonly realm?: string;
  /** Milliseconds between keep-alive comments of an idle event stream. Default 15000. */
  readonly keepAlive?: number;
}
