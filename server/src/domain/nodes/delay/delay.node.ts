import { parseDuration } from '../../language/duration.ts';
import { defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  duration?: string;
  until?: string;
}

/** Waits, durably: for a time span, or until a moment. */
export const delay = defineNode<Params>({
  type: 'delay',
  description: 'Waits for a time span or until a moment; a restart of the server does not shorten or lengthen it.',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      duration: { type: 'string', format: 'duration-text', description: 'For example "250ms", "30s", "2h" or "3d".' },
      until: { type: 'string', format: 'date-time', description: 'RFC 3339, for example "2026-12-01T08:00:00Z".' },
    },
    oneOf: [{ required: ['duration'] }, { required: ['until'] }],
    description: 'Give either "duration" or "until".',
  },
  output: { type: 'object', properties: { duration_ms: { type: 'integer' }, until: { type: 'string' } } },
  ports: () => ['default'],
  *run({ duration, until }) {
    if (until !== undefined) {
      const at = new Date(until).toISOString();
      yield { kind: 'sleepUntil', at };
      return { output: { until: at } };
    }
    const milliseconds = parseDuration(duration!);
    if (milliseconds === undefined) {
      throw new NodeFailure(
        'invalid_params',
        `params.duration is ${JSON.stringify(duration)}, which is not a duration.`,
      );
    }
    yield { kind: 'sleep', milliseconds };
    return { output: { duration_ms: milliseconds } };
  },
});
