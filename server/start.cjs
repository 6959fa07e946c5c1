// What `npm start` runs. It must parse on any Node, so that an old one gets a sentence instead of a syntax error.
'use strict';

var path = require('path');
var wanted = 24;
var major = Number(process.versions.node.split('.')[0]);

if (major < wanted) {
  process.stderr.write(
    '\nFlowpact needs Node ' +
      wanted +
      ' or newer; this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n\n' +
      'Start it with "npm start": npm then uses the Node ' +
      wanted +
      ' that "npm ci" has put into node_modules. If that one is\n' +
      'missing, run "npm ci" again without --omit=optional, or install Node ' +
      wanted +
      ' from https://nodejs.org.\n\n',
  );
  process.exit(1);
}

require('./run.cjs')(path.join(__dirname, '..'));
