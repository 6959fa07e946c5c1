import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { MediaKind, OperationDescriptor } from './contract.ts';
import { essence } from './media-type.ts';

/** Fastify and Nest read these by themselves, for an operation too that takes a range of media types as bytes. */
const readByDefault: readonly (readonly [mediaType: string, kind: MediaKind])[] = [
  ['text/plain', 'text'],
  ['application/x-www-form-urlencoded', 'form'],
];

/**
 * Lets Fastify read every media type that an operation declares, up to its size limit and no further: contract routes get the
 * raw bytes, and parse them together with everything else, so that one answer lists all that is wrong.
 */
export function installBodyParsers(
  instance: FastifyInstance,
  operations: readonly OperationDescriptor[],
  isContractRoute: (request: FastifyRequest) => boolean,
): void {
  const json = instance.getDefaultJsonParser('error', 'error');
  instance.removeContentTypeParser('application/json');
  instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (isContractRoute(request) || request.is404) done(null, body);
    else void json(request, body.toString('utf8'), done);
  });

  const declared = new Map(readByDefault);
  for (const { request } of operations) {
    for (const [mediaType, { kind }] of Object.entries(request.body?.content ?? {}))
      declared.set(essence(mediaType), kind);
  }
  for (const [mediaType, kind] of declared) {
    if (mediaType === 'application/json') continue;
    const pattern = mediaType === '*/*' ? '*' : mediaType.endsWith('/*') ? familyPattern(mediaType) : mediaType;
    // Text is Fastify's own, forms are Nest's: both are replaced, for contract routes need the text as it came.
    instance.removeContentTypeParser(pattern);
    // As bytes, so that text which is not UTF-8 can be refused: decoded, its broken characters would pass for meant ones.
    instance.addContentTypeParser(pattern, { parseAs: 'buffer' }, (request: FastifyRequest, body, done) => {
      if (isContractRoute(request) || kind === 'binary' || kind === 'multipart') done(null, body);
      else if (kind === 'form') done(null, Object.fromEntries(new URLSearchParams(body.toString('utf8'))));
      else done(null, body.toString('utf8'));
    });
  }
}

function familyPattern(mediaType: string): RegExp {
  return new RegExp(`^${mediaType.slice(0, -1).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}`);
}
