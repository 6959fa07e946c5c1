/** NOTIFY channel on which a process that does no work asks the others to begin a round of a loop; the payload is its name. */
export const wakeChannel = 'flowpact_wake';
