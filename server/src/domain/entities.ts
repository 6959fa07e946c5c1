/** Every entity of the platform; what is not listed here does not exist for the database. */
export const entities = [];
