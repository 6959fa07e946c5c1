// What `npm run backup` runs.
'use strict';

require('./run.cjs')(require('node:path').join(__dirname, '..'), 'backup.js');
