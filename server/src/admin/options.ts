import { Option } from 'commander';
import type { OutputOptions } from './output.ts';
import { numberValue } from './values.ts';

/** What every list takes. */
export interface ListOptions extends OutputOptions {
  readonly page: number;
  readonly perPage: number;
}

export const jsonOption = (): Option => new Option('--json', 'print the result as JSON');

export const pageOptions = {
  page: () => new Option('--page <number>', 'which part of the list').argParser(numberValue(1_000_000)).default(1),
  perPage: () => new Option('--per-page <number>', 'how many, at most 1000').argParser(numberValue(1_000)).default(50),
};
