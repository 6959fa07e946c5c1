import type { Plugin } from '@redocly/openapi-core';

/** Tells Redocly which of our extensions hold schemas, so that references in them are checked and bundled as such. */
export const extensionTypes: Plugin = {
  id: 'flowpact',
  typeExtension: {
    oas3: (types) => {
      const mediaType = types['MediaType'];
      if (!mediaType) return types;
      return {
        ...types,
        MediaType: { ...mediaType, properties: { ...mediaType.properties, 'x-event-schema': 'Schema' } },
      };
    },
  },
};
