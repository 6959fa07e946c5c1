import { principalOf } from '#runtime/nest/index.ts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from './principal.ts';

/** A parameter of a controller method: who is calling. Throws on a public operation, where nobody was authenticated. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return principalOf<Principal>(context.switchToHttp().getRequest<object>());
});
