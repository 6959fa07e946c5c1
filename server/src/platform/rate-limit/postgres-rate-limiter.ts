import type { RateLimitDecision, RateLimiter, RateLimitRequest } from '#runtime/nest/index.ts';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isWriteRefused } from '../../domain/passing-error.ts';
import { clientAddress } from '../auth/client-address.ts';
import type { Principal } from '../auth/principal.ts';
import { Config } from '../config/config.ts';
import { countRequest } from './count-request.ts';
import { CountsOfProcess } from './counts-of-process.ts';
import { PublicResources, type LimitedOrganisation } from './public-resources.ts';
import { rateLimitHeaders, refusalOf, tightest, windowsOf, type RateLimitWindows } from './rate-limit-headers.ts';
import { addressPolicy, organisationPolicy, refusedPolicy, type RateLimitPolicy } from './rate-limit-policy.ts';
import { type RequestsUsed, requestsUsed } from './requests-used.ts';
import { RequestCount } from './request-count.entity.ts';

/** Who asks in the name of an organisation. */
export type LimitedCaller = LimitedOrganisation & Pick<Partial<Principal>, 'apiKeyId' | 'requestLimits'>;

interface Counted {
  readonly allowed: boolean;
  readonly windows: RateLimitWindows;
}

/** A row is worthless when its day is over. */
const keepMs = 2 * 24 * 60 * 60 * 1000;

/** What was good once is no guess: whoever holds it renews it, and many may do so from one address. */
const noGuess = new Set(['expired_token']);

/**
 * Counts requests in windows that begin with the minute and the UTC day: those of an organisation in one row, whoever of
 * it asks, and those that nobody signed by address. All processes count in the same rows of the database, one statement a
 * request; the row's lock makes them take turns. A refused request is not counted, so that a caller who hammers in one
 * minute does not lose the day.
 */
@Injectable()
export class PostgresRateLimiter implements RateLimiter {
  private readonly enforced: boolean;
  private readonly ownCounts = new CountsOfProcess();

  constructor(
    private readonly em: EntityManager,
    private readonly publicResources: PublicResources,
    config: Config,
  ) {
    this.enforced = config.settings.RATE_LIMITS;
  }

  async consume({ rateLimitClass, principal, refusal, context }: RateLimitRequest): Promise<RateLimitDecision> {
    if (rateLimitClass === undefined) return { allowed: true };
    if (principal) return this.consumeBy(principal as Principal, rateLimitClass);
    const { ip, params } = context.request;
    if (refusal) return isGuess(refusal) ? this.consumeRefused(ip) : this.consumeFrom(ip, rateLimitClass);
    const owner = await this.publicResources.ownerOf(params as Record<string, string>);
    if (owner && rateLimitClass === 'submit') return this.consumePublic(ip, rateLimitClass, owner);
    return this.consumeFrom(ip, rateLimitClass, owner);
  }

  /** Counts a request in the name of an organisation: with a key, a session, or the secret of a trigger or a channel. */
  async consumeBy(caller: LimitedCaller, rateLimitClass: string): Promise<RateLimitDecision> {
    const { organisationId, plan, apiKeyId, requestLimits } = caller;
    const key = apiKeyId && requestLimits ? { id: apiKeyId, limits: requestLimits } : undefined;
    return this.decide(await this.count(organisationId, rateLimitClass, organisationPolicy(plan, rateLimitClass, key)));
  }

  /**
   * Counts a request that nobody signed, also one to a route outside of every contract. What an address asks of one
   * organisation is counted apart from what it asks of another: many clients may share it.
   */
  async consumeFrom(ip: string, rateLimitClass: string, owner?: LimitedOrganisation): Promise<RateLimitDecision> {
    return this.decide(await this.countFrom(ip, rateLimitClass, owner));
  }

  /**
   * Counts a request that nobody signed and that makes an organisation work, such as a submission: by address, and with all
   * others of the kind within a second quota as large as the plan's. What the plan allows the keys is not touched, since
   * anybody could use it up.
   */
  async consumePublic(ip: string, rateLimitClass: string, owner: LimitedOrganisation): Promise<RateLimitDecision> {
    const ofAddress = await this.countFrom(ip, rateLimitClass, owner);
    if (!ofAddress.allowed) return this.decide(ofAddress);
    const { organisationId, plan } = owner;
    const ofAll = await this.count(`public:${organisationId}`, 'general', organisationPolicy(plan, 'general'));
    return this.decide({ allowed: ofAll.allowed, windows: tightest(ofAddress.windows, ofAll.windows) });
  }

  /** Counts a request with credentials that were refused, by address; `owner` is whose secret was not known. */
  async consumeRefused(ip: string, owner?: LimitedOrganisation): Promise<RateLimitDecision> {
    return this.decide(await this.count(subjectOf('refused', ip, owner), 'refused', refusedPolicy()));
  }

  /** What was counted for an organisation, whoever of it asked. */
  usedBy(organisationId: string): Promise<RequestsUsed> {
    return requestsUsed(this.em, organisationId);
  }

  /** Removes the counts of past days, and says how many rows that were. */
  async purge(): Promise<number> {
    return this.em.fork().nativeDelete(RequestCount, { dayStart: { $lt: new Date(Date.now() - keepMs) } });
  }

  private countFrom(ip: string, rateLimitClass: string, owner: LimitedOrganisation | undefined): Promise<Counted> {
    return this.count(subjectOf('ip', ip, owner), rateLimitClass, addressPolicy(rateLimitClass));
  }

  private async count(subject: string, rateLimitClass: string, policy: RateLimitPolicy): Promise<Counted> {
    const usage = await countRequest(this.em, subject, rateLimitClass, policy).catch((error: unknown) => {
      // Reads are answered although the database takes no writes.
      if (!isWriteRefused(error)) throw error;
      return this.ownCounts.count(subject, rateLimitClass, policy);
    });
    return { allowed: usage.allowed, windows: windowsOf(policy, usage) };
  }

  private decide({ allowed, windows }: Counted): RateLimitDecision {
    const headers = rateLimitHeaders(windows);
    return allowed || !this.enforced ? { allowed: true, headers } : { allowed: false, headers, ...refusalOf(windows) };
  }
}

function isGuess(refusal: Error): boolean {
  return !noGuess.has((refusal as { code?: string }).code ?? '');
}

function subjectOf(kind: 'ip' | 'refused', ip: string, owner: LimitedOrganisation | undefined): string {
  return [kind, clientAddress(ip), ...(owner ? [owner.organisationId] : [])].join(':');
}
