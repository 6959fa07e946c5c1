// What `npm run secrets:rewrap` runs.
'use strict';

require('./run.cjs')(require('node:path').join(__dirname, '..'), 'rewrap-secrets.js');
