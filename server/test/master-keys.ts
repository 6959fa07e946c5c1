/** What servers under test encrypt with, so that those which share a database can read each other's values. */
export const testMasterKeys = `test:${Buffer.alloc(32, 7).toString('base64')}`;
