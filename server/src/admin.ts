// What `npm run admin` runs: the operator's commands on the database of this installation.
import { program } from './admin/program.ts';
import { stopAtSignals } from './command.ts';

stopAtSignals();
await program(process).run(process.argv.slice(2));
