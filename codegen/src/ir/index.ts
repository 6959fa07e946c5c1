export type * from './contract.ts';
export type * from './location.ts';
export type * from './operation.ts';
export type * from './schema.ts';
