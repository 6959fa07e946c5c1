import { arrayOrEmpty, isObject, objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { Contract } from '../contract.ts';
import type { Reader } from './reader.ts';

/** The servers of the document (OpenAPI 3.1 section 4.8.5). Their paths would stand before every route, so they have none. */
export function readServers(reader: Reader): Contract['servers'] {
  return arrayOrEmpty(reader.document['servers']).flatMap((server, index) => {
    if (!isObject(server) || typeof server['url'] !== 'string') return [];
    const path = pathOf(server['url'], objectOrEmpty(server['variables']));
    if (path !== '') {
      reader.unsupported(joinPointer('/servers', index, 'url'), {
        code: 'unsupported-server-path',
        message: `the server's path ${path} is not part of the generated routes`,
        hint: `begin every path with ${path} and end the url before it`,
      });
    }
    return [{ url: server['url'], description: stringOrUndefined(server['description']) }];
  });
}

/** `https://{host}/{base}` -> `/v1`, with the defaults of the variables; the empty string when there is none. */
function pathOf(url: string, variables: Readonly<Record<string, unknown>>): string {
  const filled = url.replace(
    /\{([^}]+)\}/g,
    (_, name: string) => stringOrUndefined(objectOrEmpty(variables[name])['default']) ?? '0',
  );
  const path = filled.replace(/^[a-z0-9+.-]*:?\/\/[^/?#]*/i, '').replace(/[?#].*$/, '');
  return path.replace(/^\.(?=\/|$)/, '').replace(/\/+$/, '');
}

/** `servers` of a Path Item or Operation Object. */
export function refuseServers(reader: Reader, json: unknown, pointer: string): void {
  if (arrayOrEmpty(json).length === 0) return;
  reader.unsupported(pointer, {
    code: 'unsupported-servers',
    message: 'servers below the root are not generated: the routes are those of the paths',
    hint: 'give operations of another server a contract of their own',
  });
}
