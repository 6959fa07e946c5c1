// What `npm run admin` runs.
'use strict';

require('./run.cjs')(require('node:path').join(__dirname, '..'), 'admin.js');
