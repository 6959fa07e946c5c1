// What `npm start` runs. It must parse on any Node (ES5), so that an old one gets a sentence instead of a syntax error.
'use strict';

var path = require('path');
var wanted = 24;
var found = process.versions.node;

if (Number(found.split('.')[0]) < wanted) {
  var lines = [
    '',
    'Flowpact needs Node ' + wanted + ' or newer; this is Node ' + found + ' (' + process.execPath + ').',
    '',
    'Start it with "npm start": npm then uses the Node ' +
      wanted +
      ' that "npm ci" puts into node_modules. If that one is missing,',
    'run "npm ci" again without --omit=optional, or install Node ' + wanted + ' from https://nodejs.org.',
    '',
  ];
  process.stderr.write(lines.join('\n') + '\n');
  process.exit(1);
}

require('./run.cjs')(path.join(__dirname, '..'));
