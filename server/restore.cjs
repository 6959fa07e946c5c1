// What `npm run restore` runs.
'use strict';

require('./run.cjs')(require('node:path').join(__dirname, '..'), 'restore.js');
